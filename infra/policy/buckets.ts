import { at, type Finding, isGiven, isOrWillBe, type Rule, type SeenResource, type StackRule } from './rule.ts';

const bucketType = 'aws:s3/bucket:Bucket';

/** Settings of a bucket are resources of their own: what belongs together is seen in the stack as a whole. */
export const bucketRules: readonly Rule[] = [
  {
    ...{ of: 'stack', name: 'buckets-closed', level: 'mandatory' },
    holds: 'no bucket can be opened to the public',
    remedy: 'give the bucket a BucketPublicAccessBlock with all four settings on',
    judge: ofEach('aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock', (block) => {
      const settings = ['blockPublicAcls', 'blockPublicPolicy', 'ignorePublicAcls', 'restrictPublicBuckets'];
      const off = settings.filter((setting) => !isOrWillBe(block?.props[setting], true));
      return off.length === 0 ? [] : [`can be made public: ${off.join(', ')} is not on`];
    }),
  },
  {
    ...{ of: 'stack', name: 'buckets-own-key', level: 'mandatory' },
    holds: 'what buckets keep is encrypted with a key of the customer',
    remedy: 'give the bucket a BucketServerSideEncryptionConfiguration with aws:kms and kmsMasterKeyId',
    judge: ofEach('aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration', (given) => {
      const by = 'rules.applyServerSideEncryptionByDefault';
      const kms = isOrWillBe(at(given?.props, `${by}.sseAlgorithm`), 'aws:kms', 'aws:kms:dsse');
      return kms && isGiven(at(given?.props, `${by}.kmsMasterKeyId`)) ? [] : ['is not encrypted with a key of its own'];
    }),
  },
  {
    ...{ of: 'stack', name: 'buckets-versioned', level: 'mandatory' },
    holds: 'what is overwritten or deleted in a bucket is still there as an older version',
    remedy: 'give the bucket a BucketVersioning with the status Enabled',
    judge: ofEach('aws:s3/bucketVersioning:BucketVersioning', (versioning) =>
      isOrWillBe(at(versioning?.props, 'versioningConfiguration.status'), 'Enabled') ? [] : ['keeps no older versions'],
    ),
  },
  {
    ...{ of: 'stack', name: 'evidence-locked', level: 'mandatory' },
    holds: 'evidence can be changed by nobody before its time is over',
    remedy: 'give the bucket objectLockEnabled and a BucketObjectLockConfiguration with a mode and days',
    judge: ofEach(
      'aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration',
      (lock, bucket) => {
        const retention = 'rule.defaultRetention';
        const days = at(lock?.props, `${retention}.days`) ?? at(lock?.props, `${retention}.years`);
        const locked = isOrWillBe(at(lock?.props, `${retention}.mode`), 'GOVERNANCE', 'COMPLIANCE') && isGiven(days);
        return bucket.props['objectLockEnabled'] === true && locked ? [] : ['holds evidence and is not locked'];
      },
      isEvidence,
    ),
  },
] satisfies readonly StackRule[];

/** By its name in Pulumi's state, which infra/aws gives it. */
function isEvidence({ name }: SeenResource): boolean {
  return /(^|-)evidence$/.test(name);
}

function ofEach(
  settingType: string,
  judge: (setting: SeenResource | undefined, bucket: SeenResource) => readonly string[],
  which: (bucket: SeenResource) => boolean = () => true,
): (resources: readonly SeenResource[]) => readonly Finding[] {
  return (resources) =>
    resources
      .filter((resource) => resource.type === bucketType && which(resource))
      .flatMap((bucket) => {
        const setting = resources.find((each) => each.type === settingType && isOf(each, bucket));
        return judge(setting, bucket).map((what) => ({ urn: bucket.urn, what }));
      });
}

/** By where the value of `bucket` came from, else by the value: somebody may have written the name as text. */
function isOf(setting: SeenResource, bucket: SeenResource): boolean {
  if (setting.sources['bucket']?.includes(bucket.urn) === true) return true;
  const named = setting.props['bucket'];
  return typeof named === 'string' && (named === bucket.props['bucket'] || named === bucket.props['id']);
}

import * as aws from '@pulumi/aws';
import pulumi from '@pulumi/pulumi';
import type { AwsConfig } from './config.ts';
import { type SiteScope, scopeInputs } from './scope.ts';
import { bucketPolicyText } from './statements.ts';

export interface BucketsArgs {
  readonly keyArn: pulumi.Output<string>;
  readonly evidenceLock: AwsConfig['evidenceLock'];
  readonly evidenceRetentionDays: number;
  readonly quarantineRetentionDays: number;
}

/** Versions of the spec and of its status, which is written often, are kept this long. */
const oldVersionsDays = 90;
/** Longer than any upload takes: who goes on with one after days begins it anew. */
const unfinishedUploadsDays = 7;

type LifecycleRule = pulumi.Unwrap<aws.types.input.s3.BucketLifecycleConfigurationRule>;

interface Lock {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly days: number;
}

/**
 * What a site keeps outside its cluster: what the pair is to be and is (spec), what was found and proven (evidence), and what
 * only a copy held (quarantine). They are left when the stack is destroyed, with everything that guards them.
 */
export class Buckets extends pulumi.ComponentResource {
  readonly spec: aws.s3.Bucket;
  readonly evidence: aws.s3.Bucket;
  readonly quarantine: aws.s3.Bucket;

  constructor(scope: SiteScope, args: BucketsArgs, opts: pulumi.ComponentResourceOptions) {
    super('umbra:aws:Buckets', `${scope.name}-buckets`, scopeInputs(scope), opts);
    const { keyArn, evidenceLock, evidenceRetentionDays, quarantineRetentionDays } = args;
    this.spec = this.#bucket(`${scope.name}-spec`, keyArn);
    this.#lifecycle(`${scope.name}-spec-lifecycle`, this.spec, {
      id: 'old-versions',
      noncurrentVersionExpiration: { noncurrentDays: oldVersionsDays },
    });
    this.evidence = this.#bucket(`${scope.name}-evidence`, keyArn, {
      mode: evidenceLock,
      days: evidenceRetentionDays,
    });
    const days = quarantineRetentionDays;
    this.quarantine = this.#bucket(`${scope.name}-quarantine`, keyArn, { mode: 'GOVERNANCE', days });
    // What is large is sent in parts, and umbra's role may not take parts away that never became an object.
    const unfinished = { abortIncompleteMultipartUpload: { daysAfterInitiation: unfinishedUploadsDays } };
    this.#lifecycle(`${scope.name}-evidence-lifecycle`, this.evidence, { id: 'unfinished-uploads', ...unfinished });
    this.#lifecycle(`${scope.name}-quarantine-lifecycle`, this.quarantine, { id: 'unfinished-uploads', ...unfinished });
    const [spec, evidence, quarantine] = [this.spec.bucket, this.evidence.bucket, this.quarantine.bucket];
    this.registerOutputs({ spec, evidence, quarantine });
  }

  #lifecycle(name: string, bucket: aws.s3.Bucket, rule: Omit<LifecycleRule, 'status' | 'filter'>): void {
    new aws.s3.BucketLifecycleConfiguration(
      name,
      { bucket: bucket.id, rules: [{ ...rule, status: 'Enabled', filter: { prefix: '' } }] },
      { parent: this, retainOnDelete: true },
    );
  }

  #bucket(name: string, keyArn: pulumi.Output<string>, lock?: Lock): aws.s3.Bucket {
    const kept = { parent: this, retainOnDelete: true };
    const made = new aws.s3.Bucket(name, { objectLockEnabled: lock !== undefined }, kept);
    const bucket = made.id;
    const versioning = new aws.s3.BucketVersioning(
      `${name}-versioning`,
      { bucket, versioningConfiguration: { status: 'Enabled' } },
      kept,
    );
    const encrypted = { applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: keyArn } };
    const rules = [{ ...encrypted, bucketKeyEnabled: true }];
    new aws.s3.BucketServerSideEncryptionConfiguration(`${name}-encryption`, { bucket, rules }, kept);
    const closed = {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    };
    const block = new aws.s3.BucketPublicAccessBlock(`${name}-closed`, { bucket, ...closed }, kept);
    const policy = made.arn.apply(bucketPolicyText);
    new aws.s3.BucketPolicy(`${name}-policy`, { bucket, policy }, { ...kept, dependsOn: [block] });
    if (lock === undefined) return made;
    new aws.s3.BucketObjectLockConfiguration(
      `${name}-lock`,
      { bucket, rule: { defaultRetention: { mode: lock.mode, days: lock.days } } },
      { ...kept, dependsOn: [versioning] },
    );
    return made;
  }
}

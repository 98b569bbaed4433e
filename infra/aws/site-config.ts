import { z } from 'zod';
import { isPrivate, parseCidr } from './cidr.ts';
import { fargateCpus, whyNotOnFargate } from './fargate-sizes.ts';

/** A cluster has brokers in this many availability zones, the same number in each. */
export const zoneCount = 3;

const text = (pattern: RegExp, error: string): z.ZodString => z.string({ error }).regex(pattern, error);

const cidrSchema = z.string().superRefine((value, context) => {
  const block = parseCidr(value);
  const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
  if (block === undefined) refuse('must be a block such as "10.10.0.0/16", with no bits set behind the fixed ones');
  else if (block.bits < 16 || block.bits > 24) refuse('must be /16 to /24: three subnets have to fit into a VPC');
  else if (!isPrivate(block)) refuse('must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16');
});

/** A client may also be one address, or a whole private range. */
const clientCidrSchema = z.string().superRefine((value, context) => {
  const block = parseCidr(value);
  if (block !== undefined && isPrivate(block)) return;
  context.addIssue({
    code: 'custom',
    message: 'must be a private block such as "10.30.0.0/16": brokers are not public',
  });
});

const networkSchema = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('new'), cidr: cidrSchema }),
    z.strictObject({
      kind: z.literal('existing'),
      vpcId: text(/^vpc-[0-9a-f]{8,17}$/, 'must be the id of a VPC, such as "vpc-0a1b2c3d4e5f60718"'),
      subnetIds: z
        .array(text(/^subnet-[0-9a-f]{8,17}$/, 'must be the id of a subnet, such as "subnet-0a1b2c3d4e5f60718"'))
        .length(zoneCount, `must be ${zoneCount}, private and in ${zoneCount} availability zones`)
        .refine((ids) => new Set(ids).size === ids.length, 'must be three different ones'),
      /** Of these subnets; the routes to the other side are put in them. */
      routeTableIds: z
        .array(text(/^rtb-[0-9a-f]{8,17}$/, 'must be the id of a route table, such as "rtb-0a1b2c3d4e5f60718"'))
        .min(1, 'must be at least one: the route to the other side is put there')
        .max(zoneCount),
      cidr: cidrSchema,
    }),
  ],
  { error: 'must be {"kind":"new","cidr":"10.10.0.0/16"} or {"kind":"existing",…}' },
);

const standardBroker =
  /^kafka\.(?:t3\.small|m5\.(?:large|(?:2|4|8|12|16|24)?xlarge)|m7g\.(?:large|(?:2|4|8|12|16)?xlarge))$/;
const expressBroker = /^express\.m7g\.(?:large|(?:2|4|8|12|16)?xlarge)$/;

/** Express brokers have storage of their own, other metrics and fewer settings. */
export function isExpress(instanceType: string): boolean {
  return instanceType.startsWith('express.');
}

const brokersSchema = z
  .strictObject({
    instanceType: z
      .string()
      .refine(
        (type) => standardBroker.test(type) || expressBroker.test(type),
        'must be an instance type of MSK, such as "kafka.m7g.large" or "express.m7g.large"',
      ),
    count: z
      .int()
      .min(zoneCount)
      .max(60)
      .refine(
        (count) => count % zoneCount === 0,
        `must be a multiple of ${zoneCount}: as many in each availability zone`,
      ),
    /** Of each broker. Standard brokers only. */
    storageGib: z.int().min(1).max(16_384).optional(),
  })
  .superRefine(({ instanceType, storageGib }, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', path: ['storageGib'], message });
    if (isExpress(instanceType) && storageGib !== undefined)
      refuse('must be left out: Express brokers grow by themselves');
    if (!isExpress(instanceType) && storageGib === undefined) refuse('is required for Standard brokers');
  });

const sizeFields = {
  cpu: z.int().refine((cpu) => fargateCpus.includes(cpu), `must be one of ${fargateCpus.join(', ')}`),
  memoryMib: z.int(),
};

function refuseSize({ cpu, memoryMib }: { cpu: number; memoryMib: number }, context: z.RefinementCtx): void {
  const message = whyNotOnFargate(cpu, memoryMib);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['memoryMib'], message });
}

const workersSchema = z
  .strictObject({
    cpu: sizeFields.cpu.default(1024),
    memoryMib: sizeFields.memoryMib.default(2048),
    min: z.int().min(1).max(100).default(2),
    max: z.int().min(1).max(100).default(4),
  })
  .superRefine((workers, context) => {
    refuseSize(workers, context);
    if (workers.min > workers.max) {
      context.addIssue({ code: 'custom', path: ['max'], message: `must be at least "min", which is ${workers.min}` });
    }
  });

/** Of an image: a name alone may mean another program tomorrow. */
export const imageSchema = text(
  /^[a-z0-9][a-z0-9./:_-]*@sha256:[0-9a-f]{64}$/,
  'must be by digest: "<name>@sha256:<64 hex digits>", without a tag',
).refine((image) => !/:[^/@]*@/.test(image.replace(/^[^/]*\//, '')), 'must not have a tag beside its digest');

const registrySchema = z
  .strictObject({
    /** Confluent's or one that takes its settings, with the IAM login module of MSK on its class path. */
    image: imageSchema,
    cpu: sizeFields.cpu.default(512),
    memoryMib: sizeFields.memoryMib.default(2048),
    count: z.int().min(1).max(10).default(2),
  })
  .superRefine(refuseSize);

const scramUserSchema = z.strictObject({
  name: text(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'must be 1 to 64 letters, digits, ".", "_" or "-", a letter first'),
  /** Default: AWS makes one up, once. */
  password: z
    .string()
    .min(16, 'must have at least 16 characters')
    .max(128, 'must have at most 128 characters')
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .optional(),
});

export const siteSchema = z.strictObject({
  region: text(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'must be a region such as "eu-west-1"'),
  /** Given, nothing is done with credentials of another account. */
  accountId: text(/^\d{12}$/, 'must be the 12 digits of an account').optional(),
  network: networkSchema,
  brokers: brokersSchema,
  workers: workersSchema.prefault({}),
  registry: registrySchema.optional(),
  /** Beside the two networks: where applications connect from. */
  clientCidrs: z.array(clientCidrSchema).max(20).default([]),
  scramUsers: z
    .array(scramUserSchema)
    .max(100)
    .superRefine((users, context) => {
      for (const [index, { name }] of users.entries()) {
        if (users.findIndex((other) => other.name === name) === index) continue;
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is there twice; remove one of them' });
      }
    })
    .default([]),
});

export type AwsSiteConfig = z.output<typeof siteSchema>;
export type AwsNetworkConfig = z.output<typeof networkSchema>;

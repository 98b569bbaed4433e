import { z } from 'zod';
import { faultRemedies, type FaultCode } from '../../replication/partition/fault.ts';
import { incarnationSchema } from './member-data.ts';

const faultCodes = Object.keys(faultRemedies) as [FaultCode, ...FaultCode[]];

/** A worker tells the controller of a partition that it has stopped for good. */
export const faultNoticeSchema = z.strictObject({
  incarnation: incarnationSchema,
  topic: z.string(),
  partition: z.int().min(0),
  code: z.enum(faultCodes),
  message: z.string(),
  offset: z
    .string()
    .regex(/^\d{1,19}$/)
    .optional(),
});

export type FaultNotice = z.output<typeof faultNoticeSchema>;

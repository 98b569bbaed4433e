import { problems } from '../../worker/problems.ts';
import { verifyReportSchema, type VerifyProgress, type VerifyReport } from '../../worker/verify-report.ts';
import { pairConfigs } from '../pair-config.ts';
import { printable } from '../printable.ts';
import { answer, type Verb, type VerbContext } from '../verb.ts';
import { isEqual, renderVerify } from '../verify-text.ts';
import type { WorkerConfig } from '../../worker/worker-config.ts';

/** Reads both logs raw and compares every batch and record. Needs the clusters, not the workers. */
export const verify: Verb = {
  name: 'verify',
  summary: 'compare both logs of every copied topic, batch by batch',
  parameters: '[TOPIC...]',
  declare: (command) => command.option('--config <FILE>', 'worker file that says where the clusters are'),
  run: async (context, [names], { config: file }) => {
    const [{ config }] = await pairConfigs(typeof file === 'string' ? file : undefined, context.io.cwd);
    const report = await compare(context, config, Array.isArray(names) ? names.map(String) : []);
    answer(context, verifyReportSchema.parse(report), (colours) => renderVerify(report, colours));
    return isEqual(report) ? 0 : problems.DIFFERENT.exit;
  },
};

async function compare(context: VerbContext, config: WorkerConfig, names: readonly string[]): Promise<VerifyReport> {
  // Loaded here: the client of Kafka is large, and the verbs that only ask a worker do without it.
  const { verifyPair } = await import('../../worker/verify-service.ts');
  const { progress } = context.io;
  try {
    return await verifyPair({
      config,
      signal: context.signal,
      ...(names.length === 0 ? {} : { topics: names }),
      onProgress: (at) => progress?.(progressLine(at)),
    });
  } finally {
    progress?.('');
  }
}

function progressLine({ link, topic, partitionsDone, partitionsTotal }: VerifyProgress): string {
  return `comparing ${printable(topic)} (${link}): ${partitionsDone} of ${partitionsTotal} partitions`;
}

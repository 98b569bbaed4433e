import { type Scale, type ScenarioResult } from './results.ts';
import { type Scenario } from './scenarios.ts';

const mebibyte = 2 ** 20;

/** The sizes of what was measured, as goals ask for them. */
export function scaleOf(scenario: Scenario, load: ScenarioResult['load']): Scale {
  const partitions = scenario.at.topics * scenario.at.partitions;
  switch (scenario.kind) {
    case 'backlog': {
      const batchMib = Number(scenario.load.producer['batch.size'] ?? 0) / mebibyte;
      return { partitions, batchMib, ...(load === undefined ? {} : { logMib: load.bytes / mebibyte }) };
    }
    case 'steady':
      return { partitions, mibPerSecond: (scenario.load.recordsPerSecond * scenario.load.valueBytes) / mebibyte };
    case 'live':
    case 'idle':
      return { partitions };
  }
}

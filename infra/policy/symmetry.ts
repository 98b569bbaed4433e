import { settingsOf } from './brokers.ts';
import { at, type Finding, lineage, type Rule, type SeenResource, type StackRule, unknownValue } from './rule.ts';

const cluster = 'aws:msk/cluster:Cluster';
const configuration = 'aws:msk/configuration:Configuration';
const pairType = 'umbra:aws:Pair';

/** What has to be the same of both clusters, and what it is called. */
const compared: readonly { readonly what: string; readonly path: string }[] = [
  { what: 'Kafka version', path: 'kafkaVersion' },
  { what: 'number of brokers', path: 'numberOfBrokerNodes' },
  { what: 'instance type', path: 'brokerNodeGroupInfo.instanceType' },
  { what: 'storage of a broker', path: 'brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize' },
  { what: 'storage mode', path: 'storageMode' },
];

/** Either site has to carry what the other does, on the day the other is gone. */
export const symmetryRules: readonly Rule[] = [
  {
    ...{ of: 'stack', name: 'sites-symmetrical', level: 'mandatory' },
    holds: 'both clusters of a pair have the same version, brokers and storage: how many partitions they take follows',
    remedy: 'make them the same; where they differ on purpose, lower this rule to advisory by a policy configuration',
    judge: (resources) =>
      ofPairs(resources, cluster).flatMap(([first, ...others]) =>
        others.flatMap((other) =>
          compared.flatMap(({ what, path }) => differing(what, first, other, (each) => at(each.props, path))),
        ),
      ),
  },
  {
    ...{ of: 'stack', name: 'settings-symmetrical', level: 'mandatory' },
    holds: 'the brokers of a pair have the same settings: sizes of messages, numbers of partitions, rights',
    remedy: 'make serverProperties the same',
    judge: (resources) =>
      ofPairs(resources, configuration).flatMap(([first, ...others]) =>
        others.flatMap((other) => {
          if (first.props['serverProperties'] === unknownValue) return [];
          if (other.props['serverProperties'] === unknownValue) return [];
          const [left, right] = [first, other].map(({ props }) => settingsOf(props['serverProperties']));
          const names = new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])]);
          return [...names].flatMap((name) =>
            differing(name, first, other, (each) => (each === first ? left : right)?.get(name)),
          );
        }),
      ),
  },
] satisfies readonly StackRule[];

/** Resources of a type by the pair they belong to; one list for what belongs to none. */
function ofPairs(
  resources: readonly SeenResource[],
  type: string,
): readonly (readonly [SeenResource, ...SeenResource[]])[] {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const pairOf = (resource: SeenResource): string | undefined =>
    lineage(resource, byUrn).find((each) => each.type === pairType)?.urn;
  const groups = Map.groupBy(
    resources.filter((resource) => resource.type === type),
    pairOf,
  );
  // The engine has them in the order in which they were made.
  const sorted = [...groups.values()].map((group) =>
    group.toSorted((left, right) => (left.name < right.name ? -1 : 1)),
  );
  return sorted.flatMap(([first, ...others]) => (first === undefined ? [] : [[first, ...others]]));
}

function differing(
  what: string,
  first: SeenResource,
  other: SeenResource,
  value: (of: SeenResource) => unknown,
): readonly Finding[] {
  const [left, right] = [value(first), value(other)];
  if (left === right || left === unknownValue || right === unknownValue) return [];
  return [{ urn: other.urn, what: `has another ${what} than ${first.name}: ${shown(right)}, not ${shown(left)}` }];
}

function shown(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value).replaceAll('"', '');
}

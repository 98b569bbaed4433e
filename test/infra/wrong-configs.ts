import { expect } from 'vitest';

/** A configuration (`umbra:key` → text, as Pulumi hands it over) and the one line that it must give. */
export interface WrongConfig {
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
  readonly line: string | RegExp;
}

const sasl = { mechanism: 'SCRAM-SHA-512', username: 'umbra', password: 'hunter2-hunter2' };
const a = { bootstrapServers: ['kafka-a:9092'], sasl };
const b = { bootstrapServers: ['kafka-b:9092'] };

/** Settings that are right, to be spoiled. */
export const existing = { 'umbra:target': 'existing', 'umbra:sites': JSON.stringify({ a, b }) };

function sites(wrong: object): Readonly<Record<string, string>> {
  return { 'umbra:target': 'existing', 'umbra:sites': JSON.stringify({ a, b, ...wrong }) };
}

function elsewhere(workers: object): Readonly<Record<string, string>> {
  return { ...existing, 'umbra:workers': JSON.stringify(workers), 'umbra:apiToken': 'sixteen-characters' };
}

/** The text of every secret in this file: no line may hold it. */
export const secretText = 'hunter2';

export const wrongConfigs: readonly WrongConfig[] = [
  {
    name: 'a drill whose schedule never fires',
    config: { 'umbra:drills': '[{"name":"canary","level":"L2","site":"b","schedule":{"cron":"0 0 31 2 *"}}]' },
    line: /^umbra:drills\[0\]\.schedule\.cron: must fire within five years/,
  },
  {
    name: 'two drills of one name',
    config: { 'umbra:drills': '[{"name":"look","level":"L0","site":"b"},{"name":"look","level":"L0","site":"a"}]' },
    line: 'umbra:drills[1].name: is the name of another drill, too',
  },
  {
    name: 'a canary drill of real topics',
    config: { 'umbra:drills': '[{"name":"canary","level":"L2","site":"b","topics":"all"}]' },
    line: 'umbra:drills[0].topics: must be left out: L2 neither moves nor reads real topics',
  },
  {
    name: 'a label that is none',
    config: { 'umbra:labels': '[""]' },
    line: /^umbra:labels\[0\]: /,
  },
  {
    name: 'a canary drill at clusters that are there already, without a canary',
    config: { ...existing, 'umbra:drills': '[{"name":"canary","level":"L2","site":"b"}]' },
    line: 'umbra:drills[0].level: L2 needs canaries; say by umbra:canary how an application reaches both sites',
  },
  {
    name: 'a canary that is umbra itself',
    config: { ...existing, 'umbra:canary': JSON.stringify({ a: { sasl }, b: {} }) },
    line: 'umbra:canary.a.sasl.username: is who umbra is: a canary has to be an application',
  },
  {
    name: 'a canary of clusters that are made here',
    config: { 'umbra:canary': '{"a":{},"b":{}}' },
    line: 'umbra:canary: belongs to the target "existing", the target is "local"; remove one of the two',
  },
  {
    name: 'a canary for workers elsewhere',
    config: {
      ...elsewhere({ a: { url: 'https://a.example' }, b: { url: 'https://b.example' } }),
      'umbra:canary': '{"a":{},"b":{}}',
    },
    line: 'umbra:canary: no worker is started here (umbra:workers.…url); say it where they run',
  },
  {
    name: 'a hook without its program',
    config: { 'umbra:repoint': '{"b":[{"kind":"command","command":[]}]}' },
    line: 'umbra:repoint.b[0].command: must name a program',
  },
  {
    name: 'a header of a hook that is none',
    config: {
      'umbra:repoint': '{"a":[{"kind":"webhook","url":"https://x.example","headers":{"Authorization":"hunter2\\n"}}]}',
    },
    line: 'umbra:repoint.a[0].headers.Authorization: must be printable ASCII',
  },
  {
    name: 'a hook of a kind that is not known',
    config: { 'umbra:repoint': '{"b":[{"kind":"fax"}]}' },
    line: /^umbra:repoint\.b\[0\]\.kind: /,
  },
  {
    name: 'overlapping prefixes',
    config: { 'umbra:prefixes': '{"a":"x_","b":"x_y_"}' },
    line: /^umbra:prefixes\.b: is "x_y_", which begins with the prefix "x_" of site a/,
  },
  {
    name: 'an empty prefix',
    config: { 'umbra:prefixes': '{"a":"","b":"b_"}' },
    line: /^umbra:prefixes\.a: is empty and would own every topic/,
  },
  {
    name: 'a prefix that owns an internal topic',
    config: { 'umbra:prefixes': '{"a":"_s","b":"b_"}' },
    line: /^umbra:prefixes\.a: is "_s" and would own the internal topic _schemas/,
  },
  {
    name: 'an application whose names are the other site’s',
    config: { 'umbra:policy': '{"applications":{"a":[{"principal":"User:orders","writes":"b_"}]}}' },
    line: 'umbra:policy.applications.a[0].writes: must begin with "a_", the prefix of site a',
  },
  {
    name: 'a policy that says which topics are whose',
    config: { 'umbra:policy': '{"owners":{"a":"a_","b":"b_"}}' },
    line: 'umbra:policy.owners: is not a field here',
  },
  {
    name: 'a config that cannot be excluded',
    config: { 'umbra:topics': '{"configs":{"exclude":["cleanup.policy"]}}' },
    line: /^umbra:topics\.configs\.exclude\[0\]: "cleanup\.policy" cannot be excluded/,
  },
  {
    name: 'an unknown word for leaks',
    config: { 'umbra:acls': '{"leaks":"ignore"}' },
    line: 'umbra:acls.leaks: must be "report" or "refuse"',
  },
  {
    name: 'a principal without its type',
    config: { 'umbra:principals': '{"a":["umbra"]}' },
    line: 'umbra:principals.a[0]: must begin with its type, such as "User:umbra"',
  },
  {
    name: 'more workers than a site may have',
    config: { 'umbra:workersPerSite': '17' },
    line: 'umbra:workersPerSite: must be a whole number from 1 to 16',
  },
  {
    name: 'an unknown site as schema primary',
    config: { 'umbra:schemaPrimary': 'c' },
    line: 'umbra:schemaPrimary: must be "a" or "b"',
  },
  {
    name: 'an unknown site',
    config: sites({ c: b }),
    line: 'umbra:sites.c: is not a field here',
  },
  {
    name: 'a bad bootstrap server',
    config: sites({ b: { bootstrapServers: ['kafka-b'] } }),
    line: 'umbra:sites.b.bootstrapServers[0]: must look like host:port',
  },
  {
    name: 'a port that cannot be',
    config: sites({ b: { bootstrapServers: ['kafka-b:9092', 'kafka-b:99999'] } }),
    line: 'umbra:sites.b.bootstrapServers[1]: port must be between 1 and 65535',
  },
  {
    name: 'no bootstrap server',
    config: sites({ b: { bootstrapServers: [] } }),
    line: 'umbra:sites.b.bootstrapServers: needs at least one host:port',
  },
  {
    name: 'the same cluster twice',
    config: sites({ b: { bootstrapServers: ['KAFKA-A:9092'] } }),
    line: 'umbra:sites.b.bootstrapServers[0]: is a bootstrap server of site a, too: the two sites must be two clusters',
  },
  {
    name: 'a login without password',
    config: sites({ a: { ...a, sasl: { mechanism: 'PLAIN', username: 'umbra' } } }),
    line: 'umbra:sites.a.sasl.password: is required',
  },
  {
    name: 'an unknown SASL mechanism',
    config: sites({ a: { ...a, sasl: { ...sasl, mechanism: 'GSSAPI' } } }),
    line: 'umbra:sites.a.sasl.mechanism: must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM',
  },
  {
    name: 'a misspelt field beside a password',
    config: sites({ a: { ...a, sasl: { ...sasl, pasword: 'hunter2' } } }),
    line: 'umbra:sites.a.sasl.pasword: is not a field here',
  },
  {
    name: 'a missing site',
    config: { 'umbra:target': 'existing', 'umbra:sites': JSON.stringify({ a }) },
    line: 'umbra:sites.b: is required',
  },
  {
    name: 'existing clusters that are not given',
    config: { 'umbra:target': 'existing' },
    line: /^umbra:sites: is required for the target "existing"/,
  },
  {
    name: 'a worker elsewhere whose address is none',
    config: { ...existing, 'umbra:workers': '{"a":{"url":"workers.example:8080"}}' },
    line: 'umbra:workers.a.url: must look like https://host:port',
  },
  {
    name: 'a worker elsewhere with a port here',
    config: elsewhere({ b: { url: 'https://b.example', apiPort: 8080 } }),
    line: 'umbra:workers.b.apiPort: the workers of site b run elsewhere; remove it, or umbra:workers.b.url',
  },
  {
    name: 'workers elsewhere that no token opens',
    config: { ...existing, 'umbra:workers': '{"a":{"url":"https://a.example"},"b":{"url":"http://b.example:8080"}}' },
    line: 'umbra:apiToken: is required: without it workers elsewhere take changes from nobody',
  },
  {
    name: 'hooks for workers elsewhere',
    config: {
      ...elsewhere({ b: { url: 'https://b.example' } }),
      'umbra:repoint': '{"b":[{"kind":"command","command":["/x"]}]}',
    },
    line: 'umbra:repoint.b: the workers of site b run elsewhere; put it into their configuration',
  },
  {
    name: 'a number of workers where none is started',
    config: {
      ...elsewhere({ a: { url: 'https://a.example' }, b: { url: 'https://b.example' } }),
      'umbra:workersPerSite': '3',
    },
    line: 'umbra:workersPerSite: no worker is started here (umbra:workers.…url); say it where they run',
  },
  {
    name: 'an unknown target',
    config: { 'umbra:target': 'moon' },
    line: 'umbra:target: must be "local" or "existing" or "aws"',
  },
  {
    name: 'a misspelt setting',
    config: { 'umbra:prefixs': '{}' },
    line: /^umbra:prefixs: is not a setting; known are target, pair, prefixes/,
  },
  {
    name: 'settings of the other target',
    config: { 'umbra:sites': existing['umbra:sites'] },
    line: 'umbra:sites: belongs to the target "existing", the target is "local"; remove one of the two',
  },
  {
    name: 'an object given as text',
    config: { 'umbra:prefixes': 'a_,b_' },
    line: /^umbra:prefixes: must be an object or a list; set its fields with "pulumi config set --path 'umbra:prefixes\.…' …"$/,
  },
  {
    name: 'a pair name that cannot be',
    config: { 'umbra:pair': 'My Pair' },
    line: 'umbra:pair: must match [a-z][a-z0-9-]{0,39}',
  },
  {
    name: 'a link that cannot be',
    config: { 'umbra:links': '["a-b","a-a"]' },
    line: 'umbra:links[1]: must be one of a-b, b-a',
  },
  {
    name: 'a link given twice',
    config: { 'umbra:links': '["a-b","a-b"]' },
    line: 'umbra:links[1]: repeats "a-b"; remove one of them',
  },
  {
    name: 'an unknown decision on gaps',
    config: { 'umbra:gap': 'skip' },
    line: 'umbra:gap: must be "fault" or "fill"',
  },
  {
    name: 'an unknown way to delete',
    config: { 'umbra:onDelete': 'drop' },
    line: 'umbra:onDelete: must be "refuse" or "detach"',
  },
  {
    name: 'a port of a local site that is a system port',
    config: { 'umbra:local': '{"sites":{"a":{"clientPort":80}}}' },
    line: 'umbra:local.sites.a.clientPort: must be at least 1024',
  },
  {
    name: 'too little memory',
    config: { 'umbra:local': '{"heapMb":64}' },
    line: 'umbra:local.heapMb: must be at least 192',
  },
  {
    name: 'a token that is too short',
    config: { 'umbra:apiToken': 'hunter2' },
    line: 'umbra:apiToken: must have at least 16 characters',
  },
];

/** The line itself, or a text that matches. */
export function asExpected(line: string | RegExp): unknown {
  return typeof line === 'string' ? line : expect.stringMatching(line);
}

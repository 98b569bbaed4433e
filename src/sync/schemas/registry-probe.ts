import { z } from 'zod';
import type { AnsweredVersion, RegistryAnswers, RegistrySight } from '../../schema-primary/registry-sight.ts';
import type { RegistryConfig } from './registry-config.ts';
import { askRegistry, type HttpAnswer } from './registry-http.ts';

// What others answer: only the fields that are read, and all of them optional.
const karapaceHealth = z.looseObject({
  karapace_version: z.string(),
  status: z
    .looseObject({
      schema_registry_is_primary: z.boolean().nullish(),
      schema_registry_is_primary_eligible: z.boolean().nullish(),
    })
    .optional(),
});
const confluentId = z.looseObject({
  scope: z.looseObject({ clusters: z.looseObject({ 'kafka-cluster': z.string().optional() }) }),
});
const confluentVersion = z.looseObject({ version: z.string() });
const apicurioInfo = z.looseObject({ name: z.string().regex(/apicurio/i), version: z.string().optional() });
const modeAnswer = z.looseObject({ mode: z.string() });
const configAnswer = z.looseObject({ compatibilityLevel: z.string() });
const versionAnswer = z.looseObject({ subject: z.string(), version: z.int(), id: z.int() });

/** Versions asked of one registry at most. */
export const askedVersionsMax = 5;

type Ask = (path: string, from?: 'base' | 'server') => Promise<HttpAnswer>;

/**
 * Asks a registry who it is, and for some versions. Only GET; a dozen requests at most. Never throws for what it answers;
 * throws the reason of `signal`.
 */
export async function probeRegistry(
  config: RegistryConfig,
  versions: readonly { readonly subject: string; readonly version: number }[],
  signal: AbortSignal,
): Promise<RegistrySight> {
  const { url } = config;
  const ask: Ask = (path, from = 'base') => askRegistry(config, path, { signal, from });
  const mode = await ask('/mode');
  if (mode.kind === 'unreachable') return { kind: 'unreachable', url, why: mode.why };
  if (mode.status === 401 || mode.status === 403) return { kind: 'refused', url, status: mode.status };
  const who = await identify(ask);
  const compatibility = await ask('/config');
  if (
    who.product === 'unknown' &&
    bodyOf(mode, modeAnswer) === undefined &&
    bodyOf(compatibility, configAnswer) === undefined
  ) {
    return {
      kind: 'unreachable',
      url,
      why: `what answers there is no schema registry (HTTP ${mode.status} for /mode)`,
    };
  }
  return {
    kind: 'answers',
    url,
    ...who,
    mode: bodyOf(mode, modeAnswer)?.mode,
    compatibility: bodyOf(compatibility, configAnswer)?.compatibilityLevel,
    versions: await askVersions(ask, versions.slice(0, askedVersionsMax)),
  };
}

type Identity = Pick<RegistryAnswers, 'product' | 'version' | 'kafkaClusterId' | 'eligible' | 'leads'>;

const nobody: Identity = {
  product: 'unknown',
  version: undefined,
  kafkaClusterId: undefined,
  eligible: undefined,
  leads: undefined,
};

async function identify(ask: Ask): Promise<Identity> {
  const karapace = bodyOf(await ask('/_health'), karapaceHealth);
  if (karapace !== undefined) {
    return {
      ...nobody,
      product: 'karapace',
      version: karapace.karapace_version,
      eligible: karapace.status?.schema_registry_is_primary_eligible ?? undefined,
      leads: karapace.status?.schema_registry_is_primary ?? undefined,
    };
  }
  const id = bodyOf(await ask('/v1/metadata/id'), confluentId);
  if (id !== undefined) {
    const version = bodyOf(await ask('/v1/metadata/version'), confluentVersion)?.version;
    return { ...nobody, product: 'confluent', version, kafkaClusterId: id.scope.clusters['kafka-cluster'] };
  }
  for (const path of ['/apis/registry/v3/system/info', '/apis/registry/v2/system/info']) {
    const info = bodyOf(await ask(path, 'server'), apicurioInfo);
    if (info !== undefined) return { ...nobody, product: 'apicurio', version: info.version };
  }
  return nobody;
}

async function askVersions(
  ask: Ask,
  versions: readonly { readonly subject: string; readonly version: number }[],
): Promise<readonly AnsweredVersion[]> {
  const answered: AnsweredVersion[] = [];
  for (const { subject, version } of versions) {
    const answer = bodyOf(await ask(`/subjects/${encodeURIComponent(subject)}/versions/${version}`), versionAnswer);
    answered.push({ subject, version, id: answer?.id });
  }
  return answered;
}

function bodyOf<Schema extends z.ZodType>(answer: HttpAnswer, schema: Schema): z.output<Schema> | undefined {
  if (answer.kind !== 'answered' || answer.status !== 200) return undefined;
  const parsed = schema.safeParse(answer.body);
  return parsed.success ? parsed.data : undefined;
}

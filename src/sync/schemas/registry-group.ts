import { z } from 'zod';
import type { Cluster } from '../../kafka/cluster.ts';
import { ConnectionError, KafkaError, MalformedError } from '../../kafka/errors.ts';
import { type GroupMembers, groupMembers } from '../../kafka/group-members.ts';
import { retryDelays } from '../../replication/waiting/retry-delays.ts';
import { Wakeup } from '../../replication/waiting/wakeup.ts';
import type { RegistryGroupSight, RegistryMember } from '../../schema-primary/registry-sight.ts';

/** The default of Confluent (`schema.registry.group.id`) and of Karapace (`group_id`). */
export const registryGroup = 'schema-registry';
/** Of the group in which registries elect who writes; both products use the same. */
const registryProtocol = 'sr';
const groupIdNotFound = 69;
/** A coordinator that moves or loads is asked again, for some two seconds. */
const attemptsMax = 5;

const identitySchema = z.looseObject({
  host: z.string(),
  port: z.int(),
  master_eligibility: z.boolean(),
});
const assignmentSchema = z.looseObject({ master: z.string().nullish() });

/**
 * Which registries take part in the election at a cluster, and which of them may write. The only place where Confluent's
 * tells. Needs DESCRIBE on the group.
 */
export async function lookAtRegistryGroup(
  cluster: Cluster,
  signal: AbortSignal,
  group = registryGroup,
): Promise<RegistryGroupSight> {
  const pause = new Wakeup();
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return registryMembers(group, await groupMembers(cluster, group));
    } catch (error) {
      if (error instanceof KafkaError && error.code === groupIdNotFound) return { kind: 'empty', group };
      if (!(error instanceof KafkaError || error instanceof ConnectionError || error instanceof MalformedError)) {
        throw error;
      }
      const { verdict } = error;
      if (attempt >= attemptsMax || (verdict !== 'moved' && verdict !== 'later')) {
        return { kind: 'unread', group, why: error.message };
      }
      await pause.wait(signal, retryDelays.after(attempt));
    }
  }
}

/** Reads what the members of the group say of themselves. */
export function registryMembers(group: string, { protocolType, members, state }: GroupMembers): RegistryGroupSight {
  if (members.length === 0) return { kind: 'empty', group };
  if (protocolType !== registryProtocol) {
    return { kind: 'unread', group, why: `it is a group of ${protocolType}, not of a schema registry` };
  }
  const found: RegistryMember[] = [];
  for (const { memberId, metadata, assignment } of members) {
    const identity = identitySchema.safeParse(parseJson(metadata));
    if (!identity.success) return { kind: 'unread', group, why: `it is ${state}, and not every member says who it is` };
    const elected = assignmentSchema.safeParse(parseJson(assignment));
    found.push({
      address: `${identity.data.host}:${identity.data.port}`,
      eligible: identity.data.master_eligibility,
      leads: identity.data.master_eligibility && elected.data?.master === memberId,
    });
  }
  return { kind: 'members', group, members: found };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

import { conditionText } from '../../drill/conditions.ts';
import { type DrillSpec, type DrillTimes, lowerLevel, nonProduction } from '../../drill/drill-spec.ts';
import { movesRealTopics, movesRoles } from '../../drill/level.ts';
import type { RunRecord } from '../../drill/run-record.ts';
import { canaryTopicOf } from '../../canary/canary-topic.ts';
import { askCondition, type OpenFindings } from './ask-condition.ts';
import { failed, type Found, passed } from './check.ts';
import { approvalsInForce } from './approvals.ts';
import type { DrillPorts } from './drill-ports.ts';
import { frozenText } from './freeze.ts';
import { isExpendable, notExpendable } from './legs.ts';
import { checkRetention } from './retention-left.ts';

export interface HostChecksPorts extends DrillPorts {
  readonly spec: DrillSpec;
  readonly times: DrillTimes;
  readonly findings: OpenFindings;
}

/** What stands for or against a run whatever the sites are like: rules, people, earlier runs, alarms. */
export async function checkHost(
  ports: HostChecksPorts,
  run: Pick<RunRecord, 'id' | 'level' | 'planHash' | 'script'>,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const { config, spec } = ports;
  const { level } = run;
  const found: Found[] = [];
  if (config?.evidence === undefined)
    found.push(failed('evidence', 'drills.evidence of the worker’s file does not say where it is kept'));
  const frozen = frozenText(ports, level);
  if (frozen !== undefined) found.push(failed('freeze', frozen));
  if (level === 'L6') {
    const name = `label ${nonProduction}`;
    found.push(
      isExpendable(config?.labels) ? passed(name, 'the pair may be lost on purpose') : failed(name, notExpendable),
    );
  }
  found.push(...lowerPass(ports), ...farApart(ports), ...approvals(ports));
  found.push(...(await checkRetention(ports, run.script)));
  for (const condition of spec.blockIf ?? []) found.push(await blocks(ports, condition, signal));
  return found;
}

/** Again just before it begins: alarms may ring by now. */
export function checkAlarms(ports: HostChecksPorts, signal: AbortSignal): Promise<readonly Found[]> {
  return Promise.all((ports.spec.blockIf ?? []).map((condition) => blocks(ports, condition, signal)));
}

async function blocks(
  ports: HostChecksPorts,
  condition: NonNullable<DrillSpec['blockIf']>[number],
  signal: AbortSignal,
): Promise<Found> {
  const asked = await askCondition(condition, ports, signal);
  const check = 'blocking alarm';
  const text = conditionText(condition);
  switch (asked.kind) {
    case 'holds':
      return failed(check, `${text} holds`);
    case 'does not hold':
      return passed(check, `${text} does not hold`);
    case 'unknown':
      return failed(check, `${text} cannot be asked: ${asked.reason}`);
  }
}

function lowerPass({ spec, times, state, clock }: HostChecksPorts): readonly Found[] {
  const lower = lowerLevel[spec.level];
  if (lower === undefined) return [];
  const check = `recent pass of ${lower}`;
  const at = state.drills.lastPass(lower);
  if (at === undefined)
    return [failed(check, `${spec.level} asks for one, and no drill of ${lower} has passed at this site yet`)];
  const ageMs = clock.now().getTime() - at.getTime();
  if (ageMs <= times.recentPassMs) return [passed(check, at.toISOString())];
  return [
    failed(
      check,
      `the newest is of ${at.toISOString()}, older than ${spec.recentPass ?? `${Math.round(times.recentPassMs / 86_400_000)}d`}`,
    ),
  ];
}

/** Against flapping: real topics that have just changed their primary are left alone. */
function farApart({ spec, times, state, link, clock }: HostChecksPorts): readonly Found[] {
  if (!movesRealTopics(spec.level) || times.apartMs === 0) return [];
  const owners = state.prefixPolicy?.owners;
  const roles = [state.roles(), link()?.peer.roles].flatMap((view) =>
    view?.kind === 'read' ? [...view.records.keys()] : [],
  );
  const cuts = roles
    .filter((topic) => owners === undefined || canaryTopicOf(topic, owners) === undefined)
    .flatMap((topic) => state.moves.cut(topic) ?? link()?.peer.state.moves.cut(topic) ?? []);
  const newest = cuts
    .map(({ at }) => at)
    .toSorted()
    .at(-1);
  const check = 'apart from the last move';
  if (newest === undefined) return [passed(check, 'no real topic has ever moved')];
  const ageMs = clock.now().getTime() - Date.parse(newest);
  return [
    ageMs >= times.apartMs
      ? passed(check, newest)
      : failed(check, `real topics moved at ${newest}; ${spec.apart ?? '10m'} have to pass`),
  ];
}

function approvals({ spec, state, clock }: HostChecksPorts): readonly Found[] {
  const { approvals: wanted } = spec;
  if (wanted === undefined || !movesRoles(spec.level)) return [];
  const given = approvalsInForce(spec, state.drills.approvals(spec.name), clock.now());
  const missing = wanted.roles.filter((role) => !given.some((each) => each.role === role));
  const people = given.map(({ name, role }) => `${name} (${role})`).join(', ');
  if (given.length >= wanted.min && missing.length === 0) return [passed('approvals', people)];
  const need = `${wanted.min} are needed${missing.length === 0 ? '' : `, among them ${missing.join(', ')}`}`;
  return [
    failed('approvals', `${need}; given: ${people === '' ? 'none' : people}. "npx umbra drill approve ${spec.name}"`),
  ];
}

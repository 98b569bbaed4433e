import { runCommandLine } from './command-line.ts';
import type { Io } from './io.ts';
import type { Verb } from './verb.ts';
import { acls } from './verbs/acls.ts';
import { canary } from './verbs/canary.ts';
import { configs } from './verbs/configs.ts';
import { doctor } from './verbs/doctor.ts';
import { drill } from './verbs/drill.ts';
import { events } from './verbs/events.ts';
import { evidence } from './verbs/evidence.ts';
import { groups } from './verbs/groups.ts';
import { health } from './verbs/health.ts';
import { local } from './verbs/local.ts';
import { failback, failover, plan, switchover } from './verbs/move.ts';
import { abort, operations, release } from './verbs/operations.ts';
import { pause, resume } from './verbs/pause.ts';
import { quarantine } from './verbs/quarantine.ts';
import { rebuild } from './verbs/rebuild.ts';
import { reconcile } from './verbs/reconcile.ts';
import { schemas } from './verbs/schemas.ts';
import { status } from './verbs/status.ts';
import { topics } from './verbs/topics.ts';
import { verify } from './verbs/verify.ts';
import { worker } from './verbs/worker.ts';

/** The command line, whole. docs/cli.md is held to it. */
export const verbs: readonly Verb[] = [
  status,
  topics,
  groups,
  acls,
  configs,
  schemas,
  events,
  pause,
  resume,
  plan,
  failover,
  switchover,
  failback,
  drill,
  operations,
  abort,
  release,
  verify,
  rebuild,
  reconcile,
  quarantine,
  evidence,
  doctor,
  local,
  worker,
  canary,
  health,
];

/** Runs one command line; resolves to the exit code and never rejects. `signal` fires on Ctrl-C. */
export function runCli(args: readonly string[], io: Io, signal: AbortSignal): Promise<number> {
  return runCommandLine(verbs, args, { io, signal });
}

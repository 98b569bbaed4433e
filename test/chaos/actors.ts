import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../fixtures/wait.ts';
import { type CrewMember } from './crew.ts';
import { type Lab } from './lab.ts';
import { describeStep, type Step } from './plan.ts';

/** What really happened. */
export interface Tally {
  workerKills: number;
  /** Kills at which an append was with a broker, without an answer yet. */
  killsInAppend: number;
  zombies: number;
  /** Append requests of zombies that arrived after they went on. */
  zombieAppends: number;
  brokerKills: number;
  brokerFreezes: number;
  brokerRestarts: number;
  cuts: number;
  /** Most workers that were frozen at the same time. */
  frozenAtOnce: number;
  workers: number;
}

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

interface Stage {
  readonly lab: Lab;
  readonly say: (line: string) => void;
  readonly tally: Tally;
  /** Zombies to come back. */
  readonly frozen: Set<Promise<void>>;
}

const goesOnMs = 90_000;

/** Carries out the steps one after the other, until `signal` says that it is enough; waits in the end until every zombie is back and the copy goes on. */
export async function perform(
  plan: readonly Step[],
  lab: Lab,
  { say, signal }: { readonly say: (line: string) => void; readonly signal: AbortSignal },
): Promise<Tally> {
  const tally: Tally = {
    ...{ workerKills: 0, killsInAppend: 0, zombies: 0, zombieAppends: 0, brokerKills: 0, brokerFreezes: 0 },
    ...{ brokerRestarts: 0, cuts: 0, frozenAtOnce: 0, workers: 0 },
  };
  const stage: Stage = { lab, say, tally, frozen: new Set() };
  const startedAt = performance.now();
  await goesOn(lab.crew.current);
  for (const [index, step] of plan.entries()) {
    if (signal.aborted) break;
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    say(`${seconds} s, step ${index + 1} of ${plan.length}: ${describeStep(step)}`);
    await performStep(step, stage);
  }
  await Promise.all(stage.frozen);
  await goesOn(lab.crew.current);
  tally.workers = lab.crew.hired;
  return tally;
}

async function performStep(step: Step, stage: Stage): Promise<void> {
  switch (step.kind) {
    case 'kill-worker':
      return killWorker(step, stage);
    case 'freeze-worker':
      return freezeWorker(step, stage);
    case 'kill-broker':
      return killBroker(step, stage);
    case 'shrink-isr':
      return freezeBroker(step, stage);
    case 'rolling-restart':
      return rollingRestart(step, stage);
    case 'cut':
      return cut(step, stage);
  }
}

/** It copies records that it did not have when asked. */
async function goesOn(worker: CrewMember): Promise<void> {
  const before = await worker.copied();
  await eventually(
    `${worker.name} copies (it had ${before} records)`,
    async () => (await worker.copied()) > before || undefined,
    goesOnMs,
  );
}

async function appends(worker: CrewMember, requests: number): Promise<void> {
  const wanted = worker.appends + requests;
  await eventually(`${worker.name} appends`, () => worker.appends >= wanted || undefined, goesOnMs);
}

async function killWorker(step: StepOf<'kill-worker'>, stage: Stage): Promise<void> {
  const { afterAppends, afterMs, inAppend, rivalFirst } = step;
  const { crew } = stage.lab;
  const victim = crew.current;
  await appends(victim, afterAppends);
  const successor = rivalFirst ? crew.hire() : undefined;
  // With a rival: some time between the start of its process and the end of its take-over.
  await delay(rivalFirst ? afterMs * 6 : afterMs);
  const underWay = await kill(victim, inAppend);
  stage.tally.workerKills += 1;
  if (underWay > 0) stage.tally.killsInAppend += 1;
  stage.say(`${victim.name} was killed with ${underWay} appends under way`);
  await (successor ?? crew.hire());
}

/** Resolves to the number of its appends that were with a broker at that moment. */
async function kill(victim: CrewMember, inAppend: boolean): Promise<number> {
  if (inAppend) return victim.killInAppend();
  const underWay = victim.appendsUnderWay;
  await victim.kill();
  return underWay;
}

async function freezeWorker({ afterAppends, afterMs, forMs }: StepOf<'freeze-worker'>, stage: Stage): Promise<void> {
  const { crew } = stage.lab;
  const zombie = crew.current;
  await appends(zombie, afterAppends);
  await delay(afterMs);
  zombie.freeze();
  const frozenAt = performance.now();
  const heir = await crew.hire();
  const back = (async (): Promise<void> => {
    await eventually(
      `${heir.name} takes over from the frozen ${zombie.name}`,
      () => heir.appends > 0 || undefined,
      goesOnMs,
    );
    const tookOverMs = Math.round(performance.now() - frozenAt);
    await delay(Math.max(0, forMs - tookOverMs));
    const before = zombie.appends;
    zombie.thaw();
    await eventually(
      `${zombie.name} says that it is fenced`,
      async () => (await zombie.fenced()) || undefined,
      goesOnMs,
    );
    await zombie.kill();
    const after = zombie.appends - before;
    const newest = after === 0 ? '' : `, the newest with api key ${zombie.newestAppend}`;
    stage.tally.zombieAppends += after;
    const ms = Math.round(performance.now() - frozenAt);
    stage.say(
      `${zombie.name} was frozen, taken over by ${heir.name} after ${tookOverMs} ms, fenced after ${ms} ms; it sent ${after} appends since${newest}`,
    );
  })();
  const returning = back.finally(() => stage.frozen.delete(returning));
  stage.frozen.add(returning);
  stage.tally.zombies += 1;
  stage.tally.frozenAtOnce = Math.max(stage.tally.frozenAtOnce, stage.frozen.size);
  await eventually(`${heir.name} takes over`, () => heir.appends > 0 || undefined, goesOnMs);
}

async function killBroker({ site, broker: index, downMs }: StepOf<'kill-broker'>, stage: Stage): Promise<void> {
  const broker = stage.lab.clusters[site].brokers[index];
  if (broker === undefined) throw new Error(`no broker ${index + 1} at site ${site}`);
  await broker.kill();
  stage.tally.brokerKills += 1;
  try {
    await delay(downMs);
  } finally {
    await broker.start();
  }
  await goesOn(stage.lab.crew.current);
}

async function freezeBroker({ site, broker: index, forMs }: StepOf<'shrink-isr'>, stage: Stage): Promise<void> {
  const broker = stage.lab.clusters[site].brokers[index];
  if (broker === undefined) throw new Error(`no broker ${index + 1} at site ${site}`);
  await broker.pause();
  stage.tally.brokerFreezes += 1;
  try {
    await delay(forMs);
  } finally {
    await broker.resume();
  }
  await goesOn(stage.lab.crew.current);
}

async function rollingRestart({ site }: StepOf<'rolling-restart'>, stage: Stage): Promise<void> {
  for (const broker of stage.lab.clusters[site].brokers) {
    await broker.stop();
    await broker.start();
    stage.tally.brokerRestarts += 1;
  }
  await goesOn(stage.lab.crew.current);
}

async function cut(step: StepOf<'cut'>, stage: Stage): Promise<void> {
  const worker = stage.lab.crew.current;
  await worker.cut(step);
  stage.tally.cuts += 1;
  await goesOn(worker);
}

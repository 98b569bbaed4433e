import { type Chance, chance } from '../fixtures/chance.ts';

/** What happens to the pair, one after the other; a frozen worker stays frozen while the next steps go on. */
export type Step =
  /** kill -9 of the worker that copies, in the middle of it. With `rivalFirst` its successor is taking over just then. */
  | {
      readonly kind: 'kill-worker';
      readonly afterAppends: number;
      readonly afterMs: number;
      /** In the moment in which an append goes to a broker. Not with a rival, which may have ended the appends by then. */
      readonly inAppend: boolean;
      readonly rivalFirst: boolean;
    }
  /** SIGSTOP with appends under way; another worker takes over; SIGCONT. */
  | { readonly kind: 'freeze-worker'; readonly afterAppends: number; readonly afterMs: number; readonly forMs: number }
  | { readonly kind: 'kill-broker'; readonly site: 'a' | 'b'; readonly broker: number; readonly downMs: number }
  /** A broker is frozen until the others have put it out of their in-sync sets, and further. */
  | { readonly kind: 'shrink-isr'; readonly site: 'a' | 'b'; readonly broker: number; readonly forMs: number }
  | { readonly kind: 'rolling-restart'; readonly site: 'a' | 'b' }
  /** `share` of a request, or of the answer to it, arrives; then the connection is reset. */
  | {
      readonly kind: 'cut';
      readonly api: 'fetch' | 'produce' | 'markers';
      readonly where: 'request' | 'answer';
      readonly share: number;
    };

export const scenarios = {
  workers: { what: 'kill -9 of workers, some while a successor takes over', rounds: 300, brokers: 1 },
  zombies: { what: 'workers frozen for 15 s while others take over', rounds: 30, brokers: 1 },
  'brokers-1': { what: 'kill -9 of the only broker of a site', rounds: 15, brokers: 1 },
  'brokers-3': {
    what: 'kill -9 among three brokers, leader moves, ISR shrink, rolling restart',
    rounds: 15,
    brokers: 3,
  },
  cuts: { what: 'connections cut in the middle of requests and answers', rounds: 20, brokers: 1 },
  sample: { what: 'a little of all that takes one broker only', rounds: 7, brokers: 1 },
} as const satisfies Readonly<Record<string, { what: string; rounds: number; brokers: 1 | 3 }>>;

export type Scenario = keyof typeof scenarios;

export interface PlanOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** Kills, zombies or cuts. */
  readonly rounds: number;
  /** How long a worker stays frozen. It must be longer than a take-over takes, lease and start of a process included. */
  readonly freezeMs: number;
}

/** The same seed gives the same plan. */
export function planOf({ scenario, seed, rounds, freezeMs }: PlanOptions): readonly Step[] {
  const random = chance(seed).branch(scenario);
  return Array.from({ length: rounds }, (_, round) => stepsOf(scenario, { random, round, freezeMs })).flat();
}

interface Round {
  readonly random: Chance;
  readonly round: number;
  readonly freezeMs: number;
}

function stepsOf(scenario: Scenario, round: Round): readonly Step[] {
  switch (scenario) {
    case 'workers':
      return [killWorker(round)];
    case 'zombies':
      return [freezeWorker(round)];
    case 'brokers-1':
      return [killBroker(round, 1)];
    case 'brokers-3':
      return [killBroker(round, 3), ...oneMore(round)];
    case 'cuts':
      return [cut(round)];
    case 'sample':
      return [sample(round)];
  }
}

function killWorker({ random, round }: Round): Step {
  const inAppend = round % 2 === 0;
  return {
    inAppend,
    kind: 'kill-worker',
    afterAppends: random.between(1, 30),
    afterMs: random.between(0, 300),
    rivalFirst: !inAppend && random.next() < 0.6,
  };
}

function freezeWorker({ random, freezeMs }: Round): Step {
  return {
    kind: 'freeze-worker',
    afterAppends: random.between(3, 60),
    afterMs: random.between(0, 50),
    forMs: freezeMs,
  };
}

function killBroker({ random, round }: Round, brokers: 1 | 3): Step {
  const broker = brokers === 1 ? 0 : random.between(0, 2);
  return { kind: 'kill-broker', site: round % 2 === 0 ? 'b' : 'a', broker, downMs: random.between(0, 3_000) };
}

/** Between the kills of three brokers. */
function oneMore({ random, round }: Round): readonly Step[] {
  const site = random.pick<'a' | 'b'>(['a', 'b']);
  if (round % 5 === 4) return [{ kind: 'rolling-restart', site }];
  if (round % 3 === 1) return [{ kind: 'shrink-isr', site, broker: random.between(0, 2), forMs: 7_000 }];
  return [];
}

function cut({ random }: Round): Step {
  return {
    kind: 'cut',
    api: random.pick(['fetch', 'produce', 'produce', 'markers']),
    where: random.pick(['request', 'answer']),
    share: Math.round(random.next() * 100) / 100,
  };
}

/** Each kind in turn, so that few rounds have all of them: of seven three kills and two cuts. */
function sample(round: Round): Step {
  const turn = round.round % 7;
  if (turn === 0 || turn === 3) return cut(round);
  if (turn === 2) return freezeWorker(round);
  return turn === 5 ? killBroker({ ...round, round: round.random.between(0, 1) }, 1) : killWorker(round);
}

/** One line, for people. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'kill-worker':
      return `kill the worker after ${step.afterAppends} appends and ${step.afterMs} ms${step.rivalFirst ? ', while a rival takes over' : step.inAppend ? ', in an append' : ''}`;
    case 'freeze-worker':
      return `freeze the worker after ${step.afterAppends} appends and ${step.afterMs} ms for ${step.forMs} ms`;
    case 'kill-broker':
      return `kill broker ${step.broker + 1} of site ${step.site}, down for ${step.downMs} ms`;
    case 'shrink-isr':
      return `freeze broker ${step.broker + 1} of site ${step.site} for ${step.forMs} ms`;
    case 'rolling-restart':
      return `restart the brokers of site ${step.site} one after the other`;
    case 'cut':
      return `cut ${step.where === 'request' ? 'a request' : 'the answer to a request'} (${step.api}) after ${step.share * 100} %`;
  }
}

import { Command, CommanderError } from 'commander';
import { failureOf, renderFailure } from './failure.ts';
import { type Io, tokenVariable } from './io.ts';
import { verbContext, type CommonOptions, type Verb } from './verb.ts';
import { version } from './version.ts';

/** Runs one command line of these verbs; resolves to the exit code and never rejects. `signal` fires on Ctrl-C. */
export async function runCommandLine(
  verbs: readonly Verb[],
  args: readonly string[],
  { io, signal }: { readonly io: Io; readonly signal: AbortSignal },
): Promise<number> {
  let exit = 0;
  const finish = (code: number): void => {
    exit = code;
  };
  const program = createProgram(verbs, { io, signal, finish });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    // Help and version were asked for and have been printed; help instead of a verb is a mistake.
    if (error instanceof CommanderError && (error.exitCode === 0 || error.code === 'commander.help')) {
      return error.exitCode === 0 ? 0 : failureOf(error).exit;
    }
    const failure = failureOf(error);
    io.err(renderFailure(failure, { json: args.includes('--json'), debug: io.env['UMBRA_DEBUG'] === '1' }));
    return failure.exit;
  }
}

function createProgram(verbs: readonly Verb[], around: Surroundings): Command {
  const { io } = around;
  const program = new Command('umbra')
    .description('Two Kafka clusters as one reciprocal active-passive pair, with identical offsets and bytes.')
    .version(version(), '-V, --version', 'print the version')
    .option('--json', 'answer as JSON (docs/cli.md names the shapes)')
    .option('--api <URL>', 'a worker to ask; may be given several times', collect)
    .option('--token-file <FILE>', 'file with the bearer token of the workers')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        io.out(text.trimEnd());
      },
      writeErr: (text) => {
        io.err(text.trimEnd());
      },
      // Said once, by runCli.
      outputError: () => undefined,
    });
  for (const verb of verbs) addVerb(program, verb, around);
  return program;
}

interface Surroundings {
  readonly io: Io;
  readonly signal: AbortSignal;
  readonly finish: (exit: number) => void;
}

function addVerb(program: Command, verb: Verb, { io, signal, finish }: Surroundings): void {
  const command = program.command(`${verb.name} ${verb.parameters ?? ''}`.trim()).description(verb.summary);
  verb.declare?.(command);
  command.action(async () => {
    const options = { api: [], tokenGiven: io.env[tokenVariable], ...program.opts<Partial<CommonOptions>>() };
    const context = verbContext(io, options, signal);
    const running = verb.run(context, command.processedArgs, command.opts());
    finish(await (verb.endsItself === true ? running : unlessInterrupted(running, signal)));
  });
}

/** Rejects with the signal's reason as soon as it fires; what still runs then ends with the process. */
async function unlessInterrupted<T>(running: Promise<T>, signal: AbortSignal): Promise<T> {
  const interrupted = Promise.withResolvers<never>();
  const interrupt = (): void => {
    interrupted.reject(signal.reason);
  };
  signal.addEventListener('abort', interrupt);
  if (signal.aborted) interrupt();
  try {
    return await Promise.race([running, interrupted.promise]);
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

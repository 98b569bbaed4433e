import type languagePb from '@pulumi/pulumi/proto/language_pb.js';

/** How the SDK's runner is started for one program: `node <nodeArgs> <runner> <args>`. */
export interface ProgramStart {
  readonly nodeArgs: readonly string[];
  readonly args: readonly string[];
  /** Added to the environment. Configuration travels here and not in `args`, which everybody can see. */
  readonly env: Readonly<Record<string, string>>;
}

/** The runner has told the user everything already: the engine must not add to it. */
export const exitAfterShownError = 32;

/**
 * What the engine asks for, in the words of `@pulumi/pulumi/cmd/run`.
 * Left out: tracing, query mode, the debugger. `typescript` in Pulumi.yaml is not heeded: Node runs TypeScript itself.
 */
export function planProgram(request: languagePb.RunRequest, engineAddress: string): ProgramStart {
  const flags = {
    monitor: request.getMonitorAddress(),
    engine: engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    stack: request.getStack(),
    pwd: request.getPwd(),
    'root-directory': request.getInfo()?.getRootDirectory() ?? '',
    parallel: String(request.getParallel()),
  };
  const given = Object.entries(flags).filter(([, value]) => value !== '');
  return {
    nodeArgs: nodeArgsOf(request),
    args: [
      ...given.map(([name, value]) => `--${name}=${value}`),
      ...(request.getDryrun() ? ['--dry-run'] : []),
      request.getInfo()?.getEntryPoint() ?? request.getProgram(),
      ...request.getArgsList(),
    ],
    env: {
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toObject(false))),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    },
  };
}

/** `nodeargs` of the runtime's options in Pulumi.yaml, split at blanks. */
function nodeArgsOf(request: languagePb.RunRequest): readonly string[] {
  const options: Readonly<Record<string, unknown>> = request.getInfo()?.getOptions()?.toJavaScript() ?? {};
  const nodeArgs = options['nodeargs'];
  return typeof nodeArgs === 'string' ? nodeArgs.split(/\s+/).filter((arg) => arg !== '') : [];
}

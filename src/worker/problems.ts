/**
 * The one table of problems an edge can answer with: code → HTTP status, exit code, retryable, remedy.
 * The API renders them as `application/problem+json`, the CLI as one line and an exit code, the provider as the
 * resource's error. Codes are matched, texts never.
 */
export const problems = {
  INVALID_INPUT: { status: 400, exit: 2, retryable: false, remedy: 'Correct the named field and try again.' },
  UNAUTHENTICATED: {
    status: 401,
    exit: 3,
    retryable: false,
    remedy: 'Send the configured token as "Authorization: Bearer …".',
  },
  FORBIDDEN: {
    status: 403,
    exit: 3,
    retryable: false,
    remedy: 'Call with a token of the role "operator"; a viewer\'s token reads only.',
  },
  FORBIDDEN_HOST: {
    status: 403,
    exit: 3,
    retryable: false,
    remedy: 'Call the API by its loopback address, or configure a token.',
  },
  NOT_FOUND: {
    status: 404,
    exit: 4,
    retryable: false,
    remedy: 'List what exists with "npx umbra topics" or GET /v1/links.',
  },
  METHOD_NOT_ALLOWED: { status: 405, exit: 2, retryable: false, remedy: 'Use one of the methods in the Allow header.' },
  BODY_TOO_LARGE: { status: 413, exit: 2, retryable: false, remedy: 'Send one section of the spec per request.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, exit: 2, retryable: false, remedy: 'Send the body as application/json.' },
  TOO_MANY_STREAMS: {
    status: 429,
    exit: 6,
    retryable: true,
    remedy: 'Close a stream that nobody reads, call another worker of the site, or ask GET /v1/events now and then.',
  },
  POLICY_MISSING: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'Declare a PrefixPolicy for the pair before its links.',
  },
  POLICY_IN_USE: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'It cannot change under running links: take the declaration back, or detach the links first.',
  },
  LINK_FOLLOWS: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'Set onDelete: "detach" on the ShadowLink, run "pulumi up", then remove it; the copies stay as they are.',
  },
  SCHEMAS_FOLLOW: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'Roles are moved, not declared: "npx umbra switchover _schemas". Declare the SchemaPrimary as it was.',
  },
  TOPICS_MOVED: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy:
      'Take it back, and bring the topics home first (GET /v1/roles lists them); onDelete: "detach" leaves them as they are.',
  },
  LINK_REFUSED: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'Put right what the reason names, or declare "report" in place of "refuse" to start the link all the same.',
  },
  WRONG_SITE: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'A link is defined at its destination: call the worker of that site.',
  },
  PAUSE_REFUSED: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'Follow the reason; "npx umbra topics TOPIC" shows the copy. Only what is being copied can be paused.',
  },
  REBUILD_REFUSED: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'Follow the reason; "npx umbra topics TOPIC" shows the faults of the copy.',
  },
  REBUILD_BUSY: {
    status: 409,
    exit: 5,
    retryable: true,
    remedy: 'Wait for the other rebuild ("npx umbra topics" shows it), then try again.',
  },
  PLAN_CHANGED: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'Make the plan again ("npx umbra rebuild TOPIC", "npx umbra plan …") and read it.',
  },
  MOVE_REFUSED: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'Put right what the plan names ("npx umbra plan" shows all of it), then plan again.',
  },
  NOT_MOVED: {
    status: 409,
    exit: 1,
    retryable: false,
    remedy: 'Put right what stopped it ("npx umbra operations" says it), then plan again.',
  },
  MOVE_BUSY: {
    status: 409,
    exit: 5,
    retryable: true,
    remedy: 'Wait for the operation ("npx umbra operations"), or abort it ("npx umbra abort ID"), then try again.',
  },
  DRILL_BUSY: {
    status: 409,
    exit: 5,
    retryable: true,
    remedy: 'Wait for the run ("npx umbra drill list"), or end it with "npx umbra drill abort".',
  },
  DRILL_REFUSED: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'Correct the declaration of the drill, or what it stands on (docs/drills.md), and try again.',
  },
  NOT_CONFIRMED: {
    status: 409,
    exit: 5,
    retryable: false,
    remedy: 'Type what is asked for, or confirm the plan with --confirm HASH (or --yes).',
  },
  NOT_REBUILT: {
    status: 409,
    exit: 1,
    retryable: false,
    remedy: 'Put right what stopped it, then run "npx umbra rebuild TOPIC" again.',
  },
  QUARANTINE_DAMAGED: {
    status: 409,
    exit: 1,
    retryable: false,
    remedy: 'Restore the folder from a backup, or read what is left of it with "npx umbra quarantine show DIR".',
  },
  EVIDENCE_DAMAGED: {
    status: 409,
    exit: 1,
    retryable: false,
    remedy: 'Run "npx umbra evidence verify": it names each file. Compare them with a copy that was exported before.',
  },
  NOT_READY: { status: 503, exit: 6, retryable: true, remedy: 'Wait for /readyz, or run "npx umbra doctor".' },
  UNREACHABLE: {
    status: 502,
    exit: 6,
    retryable: true,
    remedy: 'Run "npx umbra doctor"; "npm run up" starts what has stopped.',
  },
  BAD_ANSWER: {
    status: 502,
    exit: 6,
    retryable: false,
    remedy: 'Check that the URL is an umbra worker of the same version as this command.',
  },
  NO_PAIR: {
    status: 404,
    exit: 4,
    retryable: false,
    remedy: 'Run "npm run up" in the project, or name a worker with --api.',
  },
  DIFFERENT: {
    status: 409,
    exit: 1,
    retryable: false,
    remedy: 'Read the first difference above; the copy of that topic must be rebuilt.',
  },
  FINDINGS: { status: 409, exit: 1, retryable: false, remedy: 'Follow the remedy of each finding.' },
  INTERNAL: {
    status: 500,
    exit: 70,
    retryable: false,
    remedy: "Read the worker's log and report it with the version.",
  },
} as const satisfies Record<string, { status: number; exit: number; retryable: boolean; remedy: string }>;

export type ProblemCode = keyof typeof problems;

/** An error meant for a person: what happened and where, with the table's code. */
export class Problem extends Error {
  readonly code: ProblemCode;

  constructor(code: ProblemCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Problem';
    this.code = code;
  }

  get remedy(): string {
    return problems[this.code].remedy;
  }
}

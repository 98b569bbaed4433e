/**
 * What can go wrong with clusters and workers on this machine: code → what a person does next. Codes are matched,
 * texts never. The remedy is part of the message, because these errors reach people through several edges.
 */
export const localProblems = {
  JAVA_MISSING: 'Install Java 17 or newer, set JAVA_HOME, or choose the runtime "docker".',
  KAFKA_JARS_MISSING: 'Run "npm run up" once: it fetches them; or set UMBRA_KAFKA_HOME to an unpacked Kafka.',
  INVALID_SPEC: 'Correct the named field and try again.',
  SPEC_CONFLICT: 'Take the old value back, or delete the cluster first ("npm run down" deletes its data).',
  STATE_UNREADABLE: 'Run "npm run down", which removes the folder, and start again.',
  PORT_TAKEN: 'Stop the other program, or configure another port.',
  FORMAT_FAILED: 'Read the lines above; "npm run down" removes the folder for a fresh start.',
  BROKER_DIED: 'Read the log; starting again keeps the data.',
  NOT_READY_IN_TIME: 'Read the log; starting again keeps the data.',
  STOP_FAILED: 'End the process by hand.',
  GRANTS_FAILED: 'Check that the cluster runs ("npx umbra local"), then run "npm run up" again.',
  WORKER_DIED: 'Read the log; "npm run up" starts it again.',
  ENGINE_MISSING: 'Start Docker (or a compatible engine), or choose the runtime "jvm".',
  ENGINE_FAILED: "Read the engine's message above.",
  IMAGE_FAILED: 'Pull the image by hand, or choose the runtime "jvm".',
} as const satisfies Record<string, string>;

export type LocalProblemCode = keyof typeof localProblems;

/** An error of the local room: one paragraph for a person (what, where, what next); never holds a secret. */
export class LocalProblem extends Error {
  readonly code: LocalProblemCode;

  constructor(code: LocalProblemCode, detail: string, options?: ErrorOptions) {
    super(`${detail}${detail.endsWith('\n') ? '' : ' '}${localProblems[code]}`, options);
    this.name = 'LocalProblem';
    this.code = code;
  }

  get remedy(): string {
    return localProblems[this.code];
  }
}

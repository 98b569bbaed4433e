/** The context of subjects that name none. */
export const defaultContext = '.';

export interface QualifiedSubject {
  /** Ids are handed out per context: the same id in two contexts names two schemas. */
  readonly context: string;
  readonly subject: string;
}

/** `:.context:subject` is a subject in a context, everything else one in the default context. */
export function qualify(name: string): QualifiedSubject {
  const match = /^:(\.[^:]*):(.*)$/s.exec(name);
  if (match === null) return { context: defaultContext, subject: name };
  const [, context = defaultContext, subject = ''] = match;
  return { context, subject };
}

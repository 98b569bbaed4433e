/** The newest soft delete of a subject: versions up to `upTo` whose records stand before `offset`. */
export interface SubjectDeletion {
  readonly upTo: number;
  readonly offset: bigint;
}

interface Version {
  readonly offset: bigint;
  readonly deletedByItself: boolean;
}

interface Subject {
  readonly versions: Map<number, Version>;
  deletion: SubjectDeletion | undefined;
  deleted: number;
}

/** Which versions of which subjects there are and which of them are deleted, counted while records come and go. */
export class SubjectTable {
  readonly #subjects = new Map<string, Subject>();
  #live = 0;
  #versions = 0;
  #softDeleted = 0;

  /** With at least one version that is not deleted. */
  get subjects(): number {
    return this.#live;
  }

  get versions(): number {
    return this.#versions;
  }

  get softDeleted(): number {
    return this.#softDeleted;
  }

  add({ subject, version, deleted }: { subject: string; version: number; deleted: boolean }, offset: bigint): void {
    this.#change(subject, (found) => found.versions.set(version, { offset, deletedByItself: deleted }));
  }

  remove({ subject, version }: { subject: string; version: number }): void {
    this.#change(subject, (found) => found.versions.delete(version));
  }

  /** Without a deletion: its record is gone. */
  deletedUpTo(subject: string, deletion: SubjectDeletion | undefined): void {
    this.#change(subject, (found) => {
      found.deletion = deletion;
    });
  }

  isDeleted(subject: string, version: number): boolean {
    const found = this.#subjects.get(subject);
    const known = found?.versions.get(version);
    return found !== undefined && known !== undefined && deleted(version, known, found.deletion);
  }

  /** A subject has few versions: it is counted anew whenever one of its records comes or goes. */
  #change(name: string, change: (subject: Subject) => void): void {
    const subject = this.#subjects.get(name) ?? {
      versions: new Map<number, Version>(),
      deletion: undefined,
      deleted: 0,
    };
    this.#count(subject, -1);
    change(subject);
    subject.deleted = 0;
    for (const [version, known] of subject.versions) {
      if (deleted(version, known, subject.deletion)) subject.deleted += 1;
    }
    this.#count(subject, 1);
    if (subject.versions.size === 0 && subject.deletion === undefined) this.#subjects.delete(name);
    else this.#subjects.set(name, subject);
  }

  #count(subject: Subject, sign: 1 | -1): void {
    this.#versions += sign * subject.versions.size;
    this.#softDeleted += sign * subject.deleted;
    if (subject.versions.size > subject.deleted) this.#live += sign;
  }
}

function deleted(version: number, known: Version, deletion: SubjectDeletion | undefined): boolean {
  return (
    known.deletedByItself || (deletion !== undefined && version <= deletion.upTo && known.offset < deletion.offset)
  );
}

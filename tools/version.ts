/** `major.minor.patch`, as far as it is given. */
export type Version = readonly [major: number, minor: number, patch: number];

/** The first thing in a text that looks like a version: `v3.259.0`, `go1.26.8`, `go1.26`; undefined without one. */
export function parseVersion(text: string): Version | undefined {
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return found === null ? undefined : [Number(found[1]), Number(found[2]), Number(found[3] ?? '0')];
}

export function isAtLeast(version: Version, least: Version): boolean {
  for (const index of [0, 1, 2] as const) {
    if (version[index] !== least[index]) return version[index] > least[index];
  }
  return true;
}

export function renderVersion(version: Version): string {
  return version.join('.');
}

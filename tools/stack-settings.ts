/**
 * One plain value of a stack's file (Pulumi.<stack>.yaml) as `pulumi config set` writes it, `umbra:target` or, one
 * level deep, `umbra:local.runtime`; undefined when it is not set. Good enough to know which tools a stack needs before
 * the CLI is there; the program itself reads and checks its configuration through Pulumi.
 */
export function stackSetting(stackFile: string, path: string): string | undefined {
  const trail: { readonly indent: number; readonly key: string }[] = [];
  for (const line of stackFile.split('\n')) {
    const found = /^(?<indent> +)(?<key>[\w-]+(?::[\w-]+)?):(?:\s+(?<value>\S.*?))?\s*$/.exec(line)?.groups;
    if (found?.['key'] === undefined) continue;
    const indent = found['indent']?.length ?? 0;
    while ((trail.at(-1)?.indent ?? -1) >= indent) trail.pop();
    trail.push({ indent, key: found['key'] });
    if (trail.map(({ key }) => key).join('.') !== path) continue;
    return found['value']?.replace(/^(["'])(.*)\1$/, '$2');
  }
  return undefined;
}

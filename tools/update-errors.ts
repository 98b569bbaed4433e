import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** One line of the file that `--event-log` writes, as far as it is needed here. */
const eventSchema = z.object({
  diagnosticEvent: z.object({ urn: z.string().optional(), message: z.string(), severity: z.string() }).optional(),
});

/** What the engine adds to every failure, and what says nothing by itself. */
const generic = /^(update|preview|destroy|refresh) failed\s*$/;
const colourTags = /<\{%.*?%\}>/g;
/** How the engine lists the reasons of a resource that was left half-way. */
const listHead = /^\d+ errors? occurred:\n/;
const listBullet = /^\t\* /gm;

/**
 * The errors in an event log of the CLI, each with the resource it belongs to, without repetition, in their order:
 * `ShadowLink a-b: …`.
 */
export function readUpdateErrors(eventLog: string): readonly string[] {
  const errors = eventLog.split('\n').flatMap((line) => {
    const event = parseEvent(line)?.diagnosticEvent;
    if (event?.severity !== 'error') return [];
    const message = event.message.replace(colourTags, '').replace(listHead, '').replace(listBullet, '').trim();
    if (message === '' || generic.test(message)) return [];
    const resource = resourceOf(event.urn ?? '');
    return [resource === undefined || message.startsWith(resource) ? message : `${resource}: ${message}`];
  });
  return [...new Set(errors)];
}

function parseEvent(line: string): z.output<typeof eventSchema> | undefined {
  if (line.trim() === '') return undefined;
  try {
    return eventSchema.parse(JSON.parse(line));
  } catch {
    // The last line of a killed CLI may be cut.
    return undefined;
  }
}

/** `urn:pulumi:local::umbra::umbra:index:RegionPair$umbra:index:ShadowLink::a-b` → `ShadowLink a-b`. */
function resourceOf(urn: string): string | undefined {
  const [, , type, name] = urn.split('::');
  if (type === undefined || name === undefined || type.endsWith('pulumi:Stack')) return undefined;
  return `${type.split(':').at(-1) ?? type} ${name}`;
}

/** {@link readUpdateErrors} of a file; none when the CLI has not written one. */
export async function readUpdateErrorsFile(file: string): Promise<readonly string[]> {
  return readUpdateErrors(await readFile(file, 'utf8').catch(() => ''));
}

import { join } from 'node:path';
import { makeFolder, placeFile } from './folder-files.ts';
import { parseName, publicKeyName } from './names.ts';
import type { EvidenceDocument } from './document.ts';
import type { EvidenceReader } from './store.ts';

export interface ToExport {
  /** Folder of the chain below the one that it is written to. */
  readonly name: string;
  readonly reader: EvidenceReader;
  /** Only this document, its files and the keys that signed it. */
  readonly only?: EvidenceDocument | undefined;
}

/** Copies chains byte by byte into a new folder, with a page on how to verify them. Returns the paths of all files in it. */
export async function exportChains(
  chains: readonly ToExport[],
  folder: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const written: string[] = [];
  const write = async (path: string, name: string, bytes: Uint8Array): Promise<void> => {
    await makeFolder(path);
    if ((await placeFile(path, name, bytes)) === 'exists') throw new Error(`${join(path, name)}: is there already`);
    written.push(join(path, name));
  };
  for (const { name: chain, reader, only } of chains) {
    const wanted = only === undefined ? undefined : filesOf(only);
    for (const name of await reader.list(signal)) {
      signal?.throwIfAborted();
      const parsed = parseName(name);
      const own = parsed?.kind === 'document' && parsed.reportId === only?.reportId;
      if (wanted !== undefined && !own && !wanted.has(name)) continue;
      const bytes = await reader.read(name, signal);
      if (bytes !== undefined) await write(join(folder, folderOf(chain)), name, bytes);
    }
  }
  await write(folder, 'README.md', Buffer.from(readme(chains)));
  return written;
}

/** Never beside the README: in the folder of a chain it would be a file that no document names. */
function folderOf(chain: string): string {
  return chain === '' ? 'chain' : chain;
}

function filesOf({ attachments, signatures }: EvidenceDocument): ReadonlySet<string> {
  return new Set([...attachments.map(({ name }) => name), ...signatures.map(({ keyId }) => publicKeyName(keyId))]);
}

function readme(chains: readonly ToExport[]): string {
  const only = chains.find((chain) => chain.only !== undefined)?.only;
  const what =
    only === undefined
      ? `Chains: ${chains.map(({ name }) => `\`${folderOf(name)}\``).join(', ')}. Each is whole: documents numbered from 1, the files they name, \`head.json\`, public keys.`
      : `One document, \`${only.reportId}\`, number ${only.chain.sequence} of its chain, with the files that it names and the public key. The documents before and behind it are not here.`;
  const verify = only === undefined ? '' : ` ${only.reportId}`;
  return `# Evidence of drills

${what}

Open a \`.html\` file in a browser to read a report; the \`.json\` file beside it is the document that counts.

## Verifying it

Without a cluster, a worker or a network, in a clone of umbra:

\`\`\`sh
npx umbra evidence verify${verify} --from THIS_FOLDER --public-key PUBLIC_KEY.pem
\`\`\`

Take the public key from the people who run the pair, not from this folder: who can change the documents can change the
key beside them. Exit code 0 says that every byte is what was recorded, 1 that something is not; then each problem is a line.
What is checked:

- \`hash\` of a document is the SHA-256 of the canonical JSON (RFC 8785) of everything in it but \`hash\` and \`signatures\`;
- \`signatures\` are Ed25519 over the 32 bytes of \`hash\`;
- \`chain.previous\` is the \`hash\` of the document before, and numbers have no holes;
- \`attachments\` have the SHA-256 of each file beside a document; no other file is there;
- \`head.json\` is signed and names the last document.

This page is in no chain: it is named, and not judged.

A chain that was put back as a whole, head and all, to what it was on an earlier day cannot be told from these files alone.
Keep the \`hash\` of the newest document elsewhere, and give it the next time as \`--expect-head\`.
`;
}

import type { SiteFiles } from "./site-files.ts";

/** What a server keeps in memory: some tens of defects with all that the page asks for. */
const MOST_BYTES = 128e6;
/** Larger ones are read as quickly as they are remembered. */
const MOST_OF_ONE = 8e6;

/** The same files, each made once as long as there is room: a result is read, checked and put into words for the first who asks. */
export function remembered(files: SiteFiles, most = MOST_BYTES): SiteFiles {
  const kept = new Map<string, Uint8Array>();
  let bytes = 0;
  return new Map(
    [...files].map(([name, make]) => [
      name,
      async () => {
        const known = kept.get(name);
        if (known) return known;
        const content = await make();
        if (content.length > MOST_OF_ONE || kept.has(name)) return content;
        // The oldest go first.
        for (const [oldest, { length }] of kept) {
          if (bytes + content.length <= most) break;
          kept.delete(oldest);
          bytes -= length;
        }
        kept.set(name, content);
        bytes += content.length;
        return content;
      },
    ]),
  );
}

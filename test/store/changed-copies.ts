import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Whatever it is: a test breaks what it likes in a file. */
type Json = ReturnType<typeof JSON.parse>;

/** What makes copies of a folder below `root`, each under a name of its own and with one thing changed. */
export function changedCopies(root: string, folder: () => string) {
  const changed = (name: string, change: (dir: string) => void): string => {
    const dir = join(root, name);
    cpSync(folder(), dir, { recursive: true });
    change(dir);
    return dir;
  };
  const changedJson = (name: string, file: string, change: (value: Json) => void): string =>
    changed(name, (dir) => {
      const value = JSON.parse(readFileSync(join(dir, file), "utf8"));
      change(value);
      writeFileSync(join(dir, file), JSON.stringify(value));
    });
  return { changed, changedJson };
}

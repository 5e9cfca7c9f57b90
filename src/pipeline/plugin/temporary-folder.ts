import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withPath } from "../../store/disk/fs.ts";

/** Runs work with an empty folder under a name that says nothing, and removes it. */
export async function withPluginFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = withPath(tmpdir(), () => mkdtempSync(join(tmpdir(), "suspect-")));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

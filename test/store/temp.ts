import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made: string[] = [];

/** A fresh folder per call, removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bdefects-"));
  made.push(folder);
  return folder;
}

/** The folders of this test file, for whoever removes them behind it. */
export function forgetFolders(): string[] {
  return made.splice(0);
}

import { basename, extname, join } from "node:path";
import { triggerPng } from "../../report/figures/picture.ts";
import { writeAtomic } from "../../store/fs.ts";
import type { Finding } from "./inspect.ts";

/**
 * Saves the trigger that a criterion reversed, opacity as alpha, as `<criterion>-trigger.png`.
 *
 * @param folder that of the file's name in the current folder where none is named
 * @returns its path; null where the criterion reversed none
 */
export function saveTrigger({ criterion, localization }: Finding, file: string, folder?: string): string | null {
  const { trigger } = localization;
  if (!trigger) return null;
  const dir = folder ?? `${basename(file, extname(file))}-inspect`;
  const path = join(dir, `${criterion}-trigger.png`);
  writeAtomic(path, triggerPng(trigger), dir);
  return path;
}

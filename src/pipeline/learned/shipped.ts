import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { LocalizerKind } from "../../localize/learned/localizer.ts";
import { type LocalizerFile, localizerFile } from "../../records/localizer.ts";

const FILES: Record<LocalizerKind, string> = { patch: "localizer.json", word: "localizer-texts.json" };

const read = new Map<LocalizerKind, LocalizerFile>();

/** The localizers that ship with the package: of images, trained on the sample, and of texts, trained on the text database. */
export function shippedLocalizer(kind: LocalizerKind): LocalizerFile {
  const known = read.get(kind);
  if (known) return known;
  const path = fileURLToPath(new URL(`../../../reference/${FILES[kind]}`, import.meta.url));
  const localizer = localizerFile.parse(JSON.parse(readFileSync(path, "utf8")));
  read.set(kind, localizer);
  return localizer;
}

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type LocalizerFile, localizerFile } from "../../records/localizer.ts";

const PATH = fileURLToPath(new URL("../../../reference/localizer.json", import.meta.url));

let read: LocalizerFile | undefined;

/** The localizer that ships with the package, trained on the sample. */
export function shippedLocalizer(): LocalizerFile {
  read ??= localizerFile.parse(JSON.parse(readFileSync(PATH, "utf8")));
  return read;
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { neuronLayers } from "../../graph/network.ts";
import type { CleanCriterion } from "../../localize/types.ts";
import { withPath } from "../../store/fs.ts";
import { readAnswer } from "./answer.ts";
import type { PluginCommand } from "./command.ts";
import { writeSuspect } from "./folder.ts";
import { runCommand } from "./run.ts";

/** Seconds that a plug-in has for one model unless told otherwise. */
export const PLUGIN_TIMEOUT = 600;

/** A criterion that runs a user's own program on the suspect's folder (docs/plugins.md). */
export function pluginCriterion(
  { name, words, fingerprint }: PluginCommand,
  timeoutSeconds: number = PLUGIN_TIMEOUT,
): CleanCriterion {
  return {
    name,
    title: words.join(" "),
    source: "plug-in",
    access: "clean",
    needsData: true,
    fingerprint,
    async localize(suspect) {
      const folder = withPath(tmpdir(), () => mkdtempSync(join(tmpdir(), "suspect-")));
      try {
        writeSuspect(suspect, folder);
        await runCommand(words, folder, timeoutSeconds);
        return readAnswer(folder, neuronLayers(suspect.network));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

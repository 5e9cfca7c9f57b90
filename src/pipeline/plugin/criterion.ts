import { neuronLayers } from "../../graph/network.ts";
import type { Criterion, Localization, Suspect } from "../../localize/types.ts";
import { readAnswer } from "./answer.ts";
import type { PluginCommand } from "./command.ts";
import { writeFailing, writeSuspect } from "./folder.ts";
import { runCommand } from "./run.ts";
import { withPluginFolder } from "./temporary-folder.ts";

/** Seconds that a plug-in has for one model unless told otherwise. */
export const PLUGIN_TIMEOUT = 600;

/** What every plug-in of a run is held to. */
export interface PluginLimits {
  /** Seconds for one model. */
  timeout?: number;
  /** Folders that it may not see: the database, the results. */
  unseen?: readonly string[];
}

/** A criterion that runs a user's own program on the suspect's folder (docs/plugins.md). */
export function pluginCriterion(
  { name, access, words, fingerprint }: PluginCommand,
  { timeout = PLUGIN_TIMEOUT, unseen }: PluginLimits = {},
): Criterion {
  const run = (suspect: Suspect, fill: (folder: string) => void): Promise<Localization> =>
    withPluginFolder(async (folder) => {
      writeSuspect(suspect, folder);
      fill(folder);
      await runCommand(words, folder, timeout, unseen);
      return readAnswer(folder, neuronLayers(suspect.network));
    });
  // `folder.ts` writes them.
  const needs = ["files"] as const;
  const known = { name, title: words.join(" "), kind: "program", needs, needsData: true, fingerprint } as const;
  if (access === "clean") return { ...known, access, localize: (suspect) => run(suspect, () => undefined) };
  return {
    ...known,
    access,
    localize: (suspect, failing) => run(suspect, (folder) => writeFailing(suspect, failing, folder)),
  };
}

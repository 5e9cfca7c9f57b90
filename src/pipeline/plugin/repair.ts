import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { type LayerScores, listNeurons, type NeuronSet } from "../../core/neurons.ts";
import type { Suspect } from "../../localize/types.ts";
import type { Repair } from "../../repair/types.ts";
import { withPath } from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";
import type { PluginCommand } from "./command.ts";
import { PLUGIN_TIMEOUT, type PluginLimits } from "./criterion.ts";
import { writeSuspect } from "./folder.ts";
import { runCommand } from "./run.ts";
import { withPluginFolder } from "./temporary-folder.ts";
import { readWeights } from "./weights.ts";

/**
 * A repair that runs a user's own program on the suspect's folder, with the neurons to repair beside it (docs/plugins.md).
 * @throws InputError where it declares another access than `clean`
 */
export function pluginRepair(
  { name, access, words, fingerprint }: PluginCommand,
  { timeout = PLUGIN_TIMEOUT, unseen }: PluginLimits = {},
): Repair {
  if (access !== "clean") throw new InputError(`--method '${name}': a repair gets no failing tests; write cmd:`);
  const run = (suspect: Suspect, neurons: NeuronSet | null, scores: LayerScores | null) =>
    withPluginFolder(async (folder) => {
      writeSuspect(suspect, folder);
      const chosen = { neurons: neurons && listNeurons(neurons), scores };
      withPath(folder, () => writeFileSync(join(folder, "neurons.json"), `${prettyJson(chosen)}\n`));
      await runCommand(words, folder, timeout, unseen);
      return readWeights(folder, suspect.state);
    });
  return {
    name,
    title: words.join(" "),
    source: "plug-in",
    fingerprint,
    repair: (suspect, neurons, scores) => run(suspect, neurons, scores ?? null),
    repairUnaided: (suspect) => run(suspect, null, null),
  };
}

import type { DefectKey } from "../../core/ids.ts";
import type { NeuronSet } from "../../core/neurons.ts";
import type { InjectRecipe } from "../../inject/recipe.ts";
import { drawnInTurn, UNLED } from "../../inject/target.ts";
import { settingsFor } from "../recipe/overrides.ts";
import { type Edition, injectRecipe } from "../recipe/recipe.ts";
import type { CleanBench } from "./clean-bench.ts";

/**
 * The settings of a candidate's injection with its target. `unled` is the first that the candidate draws to which the trigger leads the clean
 * twin in at most the share that the sham may lie away from it (`gates.sham`, or `sham_rise`), and where there is none, that to which it leads least.
 */
export async function recipeWithTarget(
  edition: Edition,
  bench: Pick<CleanBench, "task" | "dataset" | "backdoor">,
  key: DefectKey,
  infected: NeuronSet,
): Promise<InjectRecipe> {
  const targets = bench.task.targets(bench.dataset);
  const recipe = injectRecipe(edition, key, targets);
  const isDecided = settingsFor(edition.inject, key).target !== UNLED || bench.task.attacks.get(key.attack)?.target;
  if (isDecided) return recipe;
  let [least, led] = [recipe.target, Number.POSITIVE_INFINITY];
  const { sham, sham_rise = sham } = settingsFor(edition.gates, key);
  for (const target of drawnInTurn(edition.seed, key, targets.length)) {
    // Whatever the style: those of a defect have the same target.
    const { success } = (await bench.backdoor({ ...key, style: "plain" }, infected, target)).cleanRates;
    if (success <= sham_rise) return { ...recipe, target };
    if (success < led) [least, led] = [target, success];
  }
  return { ...recipe, target: least };
}

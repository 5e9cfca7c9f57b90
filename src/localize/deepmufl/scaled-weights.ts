import type { UnitScaling } from "../../measure/mutants/scaled-units.ts";
import { drawKinds, type MutantForm } from "./form.ts";

/** What a feed-forward unit's weights are multiplied by. ±1 is no operator here: it is many times a weight of a decoder. */
const FACTORS = [2, 0.5, 0, -1];
const WEIGHTS = ["read", "written"] as const;
const KINDS = WEIGHTS.flatMap((weights) => FACTORS.map((factor) => ({ weights, factor })));

const ALL = KINDS.length;

/** Feed-forward units (docs/methods.md §10.10). The short budget takes all mutants where the fewest tests leave room for them. */
export const scaledWeights: MutantForm<UnitScaling> = {
  mutants: { demo: { least: 1, most: 1 }, short: { least: ALL / 4, most: ALL }, full: { least: ALL, most: ALL } },
  draw: (network, perNeuron, random) => drawKinds(network, KINDS, perNeuron, random),
  on: ({ state, runner }, tests) => runner.scalings(state, tests),
};

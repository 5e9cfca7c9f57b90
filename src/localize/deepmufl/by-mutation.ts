import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import type { LayerScores } from "../../core/neurons.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import { multiplyAdds } from "../../graph/cost.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import { downstreamOf } from "../../graph/suffix.ts";
import { rowOf } from "../../measure/verdicts.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import { nothingSuspicious } from "../no-failing-tests.ts";
import { topShare } from "../top-share.ts";
import type { Localization, Suspect } from "../types.ts";
import { drawMutants, PER_CHANNEL } from "./mutants.ts";
import { mutantOutcomes } from "./outcomes.ts";
import { metallaxis, museReleased, ochiai, type Totals } from "./statistics.ts";
import { rankWithTies } from "./ties.ts";

/**
 * Mutants of each channel, tests of each kind at most (docs/methods.md §10.7: 25 % of the mutants, 50 + 50 tests), and
 * the multiply-adds behind the mutants that all of it may take: fewer tests where it would be more. Counted and not
 * timed, so that a result depends on no machine.
 */
const EFFORT: Record<Budget, { mutants: number; tests: number; multiplyAdds: number }> = {
  demo: { mutants: 1, tests: 10, multiplyAdds: Number.POSITIVE_INFINITY },
  short: { mutants: PER_CHANNEL / 4, tests: 50, multiplyAdds: 5e11 },
  full: { mutants: PER_CHANNEL, tests: 100, multiplyAdds: Number.POSITIVE_INFINITY },
};

/** However large the network is. */
const FEWEST_TESTS = 10;

/**
 * deepmufl by channels (docs/methods.md §10.7): MUSE of the released code, ties broken by Metallaxis with type-1
 * Ochiai. Native: top 5 %, as it has no rule of its own.
 */
export async function byMutation(suspect: Suspect, failing: Samples): Promise<Localization> {
  const { task, network, seed } = suspect;
  if (failing.count === 0) return nothingSuspicious(network);
  const budget = suspect.budget ?? DEFAULT_BUDGET;
  const tests = testsFor(network, budget);
  const wrong = firstOf(task.inputs, failing, tests);
  const right = await passingTests(suspect, tests);
  const mutants = drawMutants(
    network,
    EFFORT[budget].mutants,
    new Random(stageSeed(seed, "localize", "deepmufl", "mutants")),
  );
  const outcomes = await mutantOutcomes(suspect, right, wrong, mutants);
  const totals: Totals = { failing: wrong.count, passing: right.count };
  const raw: LayerScores = {};
  const second: LayerScores = {};
  for (const [layer, channels] of outcomes) {
    // Every channel has mutants, in order.
    const elements = [...channels.values()];
    raw[layer] = elements.map((element) => museReleased(element, totals));
    second[layer] = elements.map((element) => metallaxis(element, 1, ochiai, totals));
  }
  const scores = rankWithTies(raw, second);
  const note = `${right.count} passing and ${wrong.count} failing tests, ${mutants.length} mutants`;
  return { raw, scores, native: topShare(neuronLayers(network), scores), note };
}

/** How many tests of each kind a budget allows on a network, at most. */
export function testsFor(network: Network, budget: Budget): number {
  const { mutants, tests, multiplyAdds: most } = EFFORT[budget];
  const perTest = neuronLayers(network).reduce(
    (sum, { name, width }) => sum + width * mutants * multiplyAdds(network, downstreamOf(network, name).nodes),
    0,
  );
  return Math.min(tests, Math.max(FEWEST_TESTS, Math.floor(most / (2 * perTest))));
}

/** Clean samples that the suspect gets right. */
async function passingTests({ task, state, runner, clean }: Suspect, most: number): Promise<Samples> {
  // The halves are in random order; twice as many as wanted are enough of any model worth judging.
  const tried = firstOf(task.inputs, clean.fit, 2 * most);
  const outputs = await runner.outputs(state, tried);
  const right = Array.from({ length: tried.count }, (_, i) => i).filter((i) =>
    task.passes(rowOf(outputs, tried.count, i), tried, i),
  );
  return task.inputs.subset(tried, right.slice(0, most));
}

import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import type { LayerScores } from "../../core/neurons.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import { multiplyAdds } from "../../graph/cost.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import { downstreamOf } from "../../graph/suffix.ts";
import { rowOf } from "../../measure/verdicts.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import { hasFeedForward } from "../feed-forward.ts";
import { nothingSuspicious } from "../no-failing-tests.ts";
import { topShare } from "../top-share.ts";
import type { Localization, Suspect } from "../types.ts";
import type { MutantForm, MutatedNeuron } from "./form.ts";
import { changedChannels } from "./mutants.ts";
import { mutantOutcomes } from "./outcomes.ts";
import { scaledWeights } from "./scaled-weights.ts";
import { metallaxis, museReleased, ochiai, type Totals } from "./statistics.ts";
import { rankWithTies } from "./ties.ts";

/**
 * Tests of each kind at most (docs/methods.md §10.7: 50 + 50 in the short budget), and the multiply-adds behind the mutants that all of it
 * may take: fewer tests where it would be more. Counted and not timed, so that a result depends on no machine.
 */
const EFFORT: Record<Budget, { tests: number; multiplyAdds: number }> = {
  demo: { tests: 10, multiplyAdds: Number.POSITIVE_INFINITY },
  short: { tests: 50, multiplyAdds: 5e11 },
  full: { tests: 100, multiplyAdds: Number.POSITIVE_INFINITY },
};

/** However large the network is. */
const FEWEST_TESTS = 10;

/**
 * deepmufl by channels (docs/methods.md §10.7): MUSE of the released code, ties broken by Metallaxis with type-1
 * Ochiai. Native: top 5 %, as it has no rule of its own.
 */
export async function byMutation(suspect: Suspect, failing: Samples): Promise<Localization> {
  const { network } = suspect;
  if (failing.count === 0) return nothingSuspicious(network);
  return hasFeedForward(network) ? judge(suspect, failing, scaledWeights) : judge(suspect, failing, changedChannels);
}

async function judge<M extends MutatedNeuron>(
  suspect: Suspect,
  failing: Samples,
  form: MutantForm<M>,
): Promise<Localization> {
  const { task, network, seed } = suspect;
  const budget = suspect.budget ?? DEFAULT_BUDGET;
  const { tests, mutants: each } = effortFor(network, budget);
  const wrong = firstOf(task.inputs, failing, tests);
  const right = await passingTests(suspect, tests);
  const random = new Random(stageSeed(seed, "localize", "deepmufl", "mutants"));
  const mutants = form.draw(network, each, random);
  const outcomes = await mutantOutcomes(suspect, right, wrong, form, mutants);
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

/** How many mutants of each neuron, and tests of each kind at most, a budget allows on a network. */
export function effortFor(network: Network, budget: Budget): { mutants: number; tests: number } {
  const { tests, multiplyAdds: most } = EFFORT[budget];
  const { mutants } = hasFeedForward(network) ? scaledWeights : changedChannels;
  const perMutant = neuronLayers(network).reduce(
    (sum, { name, width }) => sum + width * multiplyAdds(network, downstreamOf(network, name).nodes),
    0,
  );
  const { least, most: all } = mutants[budget];
  const drawn = Math.min(all, Math.max(least, Math.floor(most / (2 * FEWEST_TESTS * perMutant))));
  return {
    mutants: drawn,
    tests: Math.min(tests, Math.max(FEWEST_TESTS, Math.floor(most / (2 * drawn * perMutant)))),
  };
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

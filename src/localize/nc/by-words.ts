import { DEFAULT_BUDGET } from "../../core/budget.ts";
import type { LayerScores, NeuronSet } from "../../core/neurons.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { Samples } from "../../core/samples.ts";
import { neuronLayers } from "../../graph/network.ts";
import { positionsThatCount } from "../../measure/positions.ts";
import { outside } from "../../reversal/words/texts.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import type { Insertion } from "../../tasks/insertion.ts";
import { layerZ } from "../normalise.ts";
import type { Localization, Suspect } from "../types.ts";
import { invertWords, type ReversedWords, successOfWords } from "./invert-words.ts";
import { pruneUntil, WALK_SAMPLES } from "./walk.ts";

/** Neural Cleanse as a localizer where samples are words: the same rules under the likeliest words of the search. */
export async function byWords(suspect: Suspect, insertion: Insertion): Promise<Localization> {
  const reversed = await invertWords(suspect, insertion);
  const raw = await rise(suspect, insertion, reversed);
  const scores = layerZ(raw);
  const native = reversed.flagged ? await pruneUntilWordsFail(suspect, insertion, scores, reversed) : {};
  return { raw, scores, native, note: noteOf(reversed) };
}

/** `u = E[max_t a(x̃) − max_t a(x)]`, over the positions t that the class's answer depends on. */
async function rise(suspect: Suspect, insertion: Insertion, { target, words }: ReversedWords): Promise<LayerScores> {
  const { task, network, state, runner, clean, budget = DEFAULT_BUDGET } = suspect;
  const others = outside(suspect, insertion, firstOf(task.inputs, clean.fit, WALK_SAMPLES[budget].rise), target);
  const layers = neuronLayers(network);
  const sums = new Map(layers.map(({ name, width }) => [name, new Float64Array(width)]));
  const asked = new Array<number>(others.count).fill(insertion.answers(others)[target]);
  const add = (samples: Samples, sign: 1 | -1) =>
    runner.eachPosition(state, samples, asked, (positions) => {
      for (const { name, width } of layers) {
        const layer = positions.get(name)!;
        const sum = sums.get(name)!;
        const highest = new Float64Array(width).fill(Number.NEGATIVE_INFINITY);
        for (const at of positionsThatCount(layer, width)) {
          for (let j = 0; j < width; j++) highest[j] = Math.max(highest[j], layer.activations[at + j]);
        }
        for (let j = 0; j < width; j++) if (Number.isFinite(highest[j])) sum[j] += (sign * highest[j]) / others.count;
      }
    });
  await add(others, -1);
  await add(filledWith(suspect, insertion, others, words, "rise"), 1);
  return Object.fromEntries([...sums].map(([name, sum]) => [name, [...sum]]));
}

/** The most suspicious neurons without which words no longer lead to a class, as far as clean texts allow. */
export async function pruneUntilWordsFail(
  suspect: Suspect,
  insertion: Insertion,
  scores: LayerScores,
  { target, words }: Pick<ReversedWords, "target" | "words">,
): Promise<NeuronSet> {
  const { task, clean, budget = DEFAULT_BUDGET } = suspect;
  const held = firstOf(task.inputs, clean.threshold, WALK_SAMPLES[budget].walk);
  const others = held.count === 0 ? held : outside(suspect, insertion, held, target);
  if (others.count === 0) return {};
  const filled = filledWith(suspect, insertion, others, words, "walk");
  return pruneUntil(suspect, scores, held, (model) => successOfWords(suspect, model, insertion, filled, target));
}

/** Samples with words at places that are drawn. @param what they are for: each use draws its own */
export function filledWith(
  { seed }: Suspect,
  insertion: Insertion,
  samples: Samples,
  words: readonly number[],
  what: string,
): Samples {
  const random = new Random(stageSeed(seed, "localize", "nc", what));
  return insertion.filled(insertion.opened(samples, words.length, random), words);
}

/** What a stored prediction keeps of the reversed words. */
function noteOf({ target, text, loss, success, anomaly, flagged }: ReversedWords): string {
  const found = `class ${target}, words '${text}' with loss ${loss.toFixed(3)} and success ${success.toFixed(2)}, anomaly ${anomaly.toFixed(1)}`;
  return flagged ? found : `no class flagged: smallest is ${found}`;
}

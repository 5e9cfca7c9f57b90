import { highest } from "../../core/argmax.ts";
import { DEFAULT_BUDGET } from "../../core/budget.ts";
import type { LayerScores, NeuronSet } from "../../core/neurons.ts";
import type { Samples } from "../../core/samples.ts";
import { neuronLayers } from "../../graph/network.ts";
import { indicesOutside } from "../../images/batch.ts";
import { asImages, asPictures } from "../../images/image-set.ts";
import { rowOf } from "../../measure/verdicts.ts";
import { stampPatch } from "../../reversal/stamp.ts";
import { firstOf } from "../../tasks/input-codec.ts";
import { byWords } from "../nc/by-words.ts";
import { invertGoals } from "../nc/invert-goal.ts";
import { fitImages, invertTrigger } from "../nc/invert-trigger.ts";
import type { ReversedTrigger } from "../nc/reversed-trigger.ts";
import { pruneUntil, WALK_SAMPLES } from "../nc/walk.ts";
import { layerZ } from "../normalise.ts";
import type { CleanCriterion, Suspect } from "../types.ts";

/** `u = E[a(x̃) − a(x)]`: how much a neuron's activation rises under the trigger. */
async function activationRise(suspect: Suspect, trigger: ReversedTrigger): Promise<LayerScores> {
  const { network, state, runner } = suspect;
  const images = asPictures(fitImages(suspect, WALK_SAMPLES[suspect.budget ?? DEFAULT_BUDGET].rise));
  const clean = await runner.taps(state, images, "mean");
  const triggered = await runner.taps(state, stampPatch(trigger, images), "mean");
  const rise: LayerScores = {};
  for (const { name, width } of neuronLayers(network)) {
    const [before, after] = [clean.get(name)!, triggered.get(name)!];
    const sums = new Array<number>(width).fill(0);
    for (let i = 0; i < before.length; i++) sums[i % width] += after[i] - before[i];
    rise[name] = sums.map((sum) => sum / images.count);
  }
  return rise;
}

/** Samples on which a reversed trigger's success shows, and whether an output is one. */
interface Aim {
  others: Samples;
  succeeds(output: Float32Array, i: number): boolean;
}

/** Of a class all images of others; of another target the samples whose answers it would change, by the model's own answers. */
async function aimOf({ task, state, runner }: Suspect, held: Samples, target: number): Promise<Aim> {
  const { guesses, inputs } = task;
  if (!guesses) {
    const others = inputs.subset(held, indicesOutside(asImages(held), target));
    return { others, succeeds: (output) => highest(output) === target };
  }
  const own = guesses.answered(held, await runner.outputs(state, held));
  const others = inputs.subset(own, guesses.eligible(own, target));
  return { others, succeeds: (output, i) => guesses.succeeds(output, others, i, target) };
}

/** Prunes until the reversed trigger is dead, or clean accuracy suffers. */
async function pruneUntilDead(suspect: Suspect, scores: LayerScores, trigger: ReversedTrigger): Promise<NeuronSet> {
  const { task, runner, clean } = suspect;
  // The halves are in random order.
  const held = firstOf(task.inputs, clean.threshold, WALK_SAMPLES[suspect.budget ?? DEFAULT_BUDGET].walk);
  if (held.count === 0) return {};
  const { others, succeeds } = await aimOf(suspect, held, trigger.target);
  const { count } = others;
  if (count === 0) return {};
  const stamped = stampPatch(trigger, asPictures(others));
  const success = async (model: Suspect["state"]) => {
    const outputs = await runner.outputs(model, stamped);
    let hits = 0;
    for (let i = 0; i < count; i++) if (succeeds(rowOf(outputs, count, i), i)) hits++;
    return hits / count;
  };
  return pruneUntil(suspect, scores, held, success);
}

/**
 * Neural Cleanse as a localizer (docs/methods.md §10.3): reverses the trigger, and suspects the neurons that rise under
 * it. Where no class stands out nothing is named, and neurons are ranked under the smallest patch.
 */
export const nc: CleanCriterion = {
  name: "nc",
  title: "Neural Cleanse (reversed trigger)",
  kind: "published",
  source: "Wang et al.: Neural Cleanse: Identifying and Mitigating Backdoor Attacks in Neural Networks (IEEE S&P 2019)",
  needs: ["reversible"],
  access: "clean",
  needsData: true,
  reverses: true,
  async localize(suspect) {
    const { guesses, insertion } = suspect.task;
    if (insertion) return byWords(suspect, insertion);
    const trigger = guesses
      ? await invertGoals(suspect, guesses, suspect.budget)
      : await invertTrigger(suspect, suspect.budget);
    const raw = await activationRise(suspect, trigger);
    const scores = layerZ(raw);
    const note = noteOf(trigger);
    if (!trigger.flagged) return { raw, scores, native: {}, note, trigger };
    return { raw, scores, native: await pruneUntilDead(suspect, scores, trigger), note, trigger };
  },
};

/** What a stored prediction keeps of the reversed trigger. */
export function noteOf({
  target,
  name,
  norms,
  anomaly,
  flagged,
}: Omit<ReversedTrigger, "opacity" | "pattern">): string {
  const found = `${name ?? `class ${target}`}, patch of ${norms.get(target)!.toFixed(1)} pixels, anomaly ${anomaly.toFixed(1)}`;
  return flagged ? found : `no ${name === undefined ? "class" : "target"} flagged: smallest is ${found}`;
}

/** The anomaly index in a stored note, to one decimal. @returns null where the note holds none */
export function anomalyIn(note: string | null | undefined): number | null {
  const found = /, anomaly (-?\d+\.\d)$/.exec(note ?? "");
  return found && Number(found[1]);
}

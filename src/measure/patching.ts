import { argmax } from "../core/argmax.ts";
import type { NeuronSet } from "../core/neurons.ts";
import { foldState } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { keepInput, maskInput, patchProgram } from "../graph/programs/intervene.ts";
import { chosenUnits } from "../graph/units.ts";
import { type ImageSet, imageSize } from "../images/image-set.ts";
import { stampSet } from "../images/trigger/stamp.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";
import { slices } from "./batches.ts";
import type { OrtRunner } from "./ort-runner.ts";

/** Pairs of images per run: each goes in once clean and once triggered. */
const PAIRS = 64;

/**
 * `asr_patched` (docs/methods.md §6.3): the share of triggered images that still go to the target when the activations
 * of `neurons` are replaced by those of the same image without the trigger. Nothing collapses: a causal test.
 *
 * @param others clean images of other classes than the target
 */
export async function patchedRate(
  runner: OrtRunner,
  state: StateDict,
  neurons: NeuronSet,
  others: ImageSet,
  { trigger, target }: Backdoor,
): Promise<number> {
  const { network, normalization, pool } = runner;
  const folded = foldState(network, state);
  const [feeds, steady] = [new Map(folded), new Set(folded.keys())];
  for (const { unit, neurons: patched } of chosenUnits(network, neurons)) {
    const mask = new Float32Array(unit.width);
    for (const n of patched) mask[n] = 1;
    feeds.set(maskInput(unit.id), mask);
    feeds.set(
      keepInput(unit.id),
      mask.map((m) => 1 - m),
    );
  }
  const units = new Set(Object.keys(neurons));
  const size = imageSize(others);
  const both = new Float32Array(2 * PAIRS * size);
  feeds.set("input", both);
  const name = `patch ${[...units].join()}`;
  const make = (lowering: Lowering) => patchProgram(lowering, network, units);
  const triggered = slices(stampSet(trigger, others), normalization, PAIRS);
  let hits = 0;
  for (const clean of slices(others, normalization, PAIRS)) {
    both.set(clean.images, 0);
    both.set(triggered.next().value!.images, PAIRS * size);
    const outputs = await pool.run(name, network, 2 * PAIRS, make, feeds, undefined, steady);
    const logits = outputs.get("logits")!;
    for (let i = 0; i < clean.count; i++) if (argmax(logits, network.classes, PAIRS + i) === target) hits++;
  }
  return hits / others.count;
}

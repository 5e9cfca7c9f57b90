import { Random } from "../../src/core/random.ts";
import { foldState, parameterFeeds } from "../../src/graph/fold.ts";
import type { Lowering } from "../../src/graph/lowering/lowering.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { type Network, unitsOf } from "../../src/graph/network.ts";
import { agreement } from "../../src/graph/objectives/agreement.ts";
import { squaredError } from "../../src/graph/objectives/squared-error.ts";
import type { Program } from "../../src/graph/onnx.ts";
import { blendProgram } from "../../src/graph/programs/blend.ts";
import { blendsProgram } from "../../src/graph/programs/blends.ts";
import { changeProgram, ROWS } from "../../src/graph/programs/change.ts";
import { conductanceProgram, contributionProgram } from "../../src/graph/programs/contribution.ts";
import { featureProgram } from "../../src/graph/programs/features.ts";
import { finetuneProgram } from "../../src/graph/programs/finetune.ts";
import { gainProgram } from "../../src/graph/programs/gains.ts";
import { inferProgram, tapProgram } from "../../src/graph/programs/infer.ts";
import { patchProgram } from "../../src/graph/programs/intervene.ts";
import { lastProgram, middleProgram } from "../../src/graph/programs/part.ts";
import { preActivationProgram } from "../../src/graph/programs/preactivation.ts";
import { profileProgram } from "../../src/graph/programs/profile.ts";
import { responseProgram } from "../../src/graph/programs/response.ts";
import { statisticsProgram } from "../../src/graph/programs/statistics.ts";
import { trainProgram } from "../../src/graph/programs/train.ts";
import { unchangedProgram } from "../../src/graph/programs/unchanged.ts";
import { cutPoints, downstreamOf, partBetween } from "../../src/graph/suffix.ts";
import { unmetNeed } from "../../src/localize/needs.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { sizeOf } from "../../src/tensor/state.ts";
import { randomArray, randomState } from "./programs.ts";

/** A program of a network by a name. */
export interface NamedProgram {
  name: string;
  make(lowering: Lowering): Program;
}

/** Every program that there is, of one network: whole, with some units chosen where it takes a choice. */
export function everyProgram(network: Network): NamedProgram[] {
  const units = unitsOf(network);
  const some = new Set(units.filter((_, i) => i % 3 === 0).map(({ id }) => id));
  // Odd numbers of rows, which fill no vector.
  const rows = new Map(units.map(({ id, width }) => [id, width <= 4 ? 1 : 2 * Math.floor(width / 6) + 1]));
  const cuts = cutPoints(network);
  const cut = cuts[Math.floor(cuts.length / 2)];
  const beginning = partBetween(network, network.nodes[0].id, cut);
  const inside = units[Math.floor(units.length / 2)].id;
  const sgd = { momentum: 0.9, nesterov: true, weightDecay: 5e-4 };
  return [
    { name: "inference", make: (l) => inferProgram(l, network) },
    { name: "taps", make: (l) => tapProgram(l, network) },
    { name: "a training step", make: (l) => trainProgram(l, network, { sgd }).program },
    { name: "gradients of training", make: (l) => trainProgram(l, network).program },
    { name: "gradients of a regression", make: (l) => trainProgram(l, network, { objective: squaredError }).program },
    { name: "fine-tuning of some rows", make: (l) => finetuneProgram(l, network, rows) },
    { name: "contribution", make: (l) => contributionProgram(l, network) },
    { name: "conductance", make: (l) => conductanceProgram(l, network) },
    { name: "features and the image's gradient", make: (l) => featureProgram(l, network) },
    { name: "a blended pattern", make: (l) => blendProgram(l, network) },
    { name: "two blended patterns", make: (l) => blendsProgram(l, network, 2) },
    { name: "a pattern and the classes' agreement", make: (l) => blendProgram(l, network, agreement) },
    { name: "the response's terms", make: (l) => responseProgram(l, network) },
    { name: "gains, each batch's statistics", make: (l) => gainProgram(l, network, "batch") },
    { name: "gains, stored statistics", make: (l) => gainProgram(l, network, "stored") },
    { name: "batch statistics", make: (l) => statisticsProgram(l, network) },
    { name: "pre-activations", make: (l) => preActivationProgram(l, network) },
    { name: "patching", make: (l) => patchProgram(l, network, some) },
    { name: "the part up to a cut", make: (l) => middleProgram(l, network, beginning, [cut]) },
    { name: "what follows a unit", make: (l) => lastProgram(l, network, downstreamOf(network, inside)) },
    { name: "the profile of a slice", make: (l) => profileProgram(l, network) },
    ...changesOf(network, inside),
  ];
}

/** Programs of one changed channel, which are for convolutions with batch norm. */
function changesOf(network: Network, unit: string): NamedProgram[] {
  if (unmetNeed({ needs: ["batch-norm", "convolution"] }, network, classification)) return [];
  const { needs } = changeProgram(new PlainLowering(1), network, unit, 1);
  return [
    { name: "what follows a changed channel", make: (l) => changeProgram(l, network, unit, l.batch).program },
    { name: "what a changed channel is added to", make: (l) => unchangedProgram(l, network, new Map([[unit, needs]])) },
  ];
}

/** Feeds for whatever a program asks: the state's values, folded or not, else random numbers of one seed. */
export function feedsFor(program: Program, network: Network): Map<string, Float32Array> {
  const state = randomState(network, 1);
  const feeds = new Map<string, Float32Array>(foldState(network, state));
  for (const [key, values] of parameterFeeds(state)) feeds.set(key, values);
  for (const { name, shape } of program.inputs) {
    if (feeds.has(name)) continue;
    const values = randomArray(sizeOf(shape as number[]), new Random(name.length));
    if (/#(mask|keep)$|selector$/.test(name)) {
      feeds.set(
        name,
        values.map((v) => (v > 0 ? 1 : 0)),
      );
    } else if (name === "target") {
      // One class may be all but certain, and the gradient towards it a difference of numbers that are all but equal.
      feeds.set(name, values.fill(1 / values.length));
    } else if (name === "targets") {
      const columns = shape[1] as number;
      feeds.set(
        name,
        values.map((_, i) => (i % (columns + 1) === 0 ? 1 : 0)),
      );
    } else if (name === ROWS) feeds.set(name, values.fill(0));
    else feeds.set(name, values);
  }
  return feeds;
}

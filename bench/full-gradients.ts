/**
 * How far the gradients of the released size of `ufld18` lie from PyTorch's in float64, beside those of PyTorch in float32: one picture of noise a
 * seed, the trunk's tensors. An error is the largest difference in parts of the tensor's largest entry. Needs a Python with torch.
 *
 *     npx tsx bench/full-gradients.ts [SEED…]
 */

import { Random } from "../src/core/random.ts";
import { chooseLowering } from "../src/engine/lowering.ts";
import { Session } from "../src/engine/session.ts";
import { parameterFeeds, toOihw } from "../src/graph/fold.ts";
import { gradientOf, trainProgram } from "../src/graph/programs/train.ts";
import { classesOf } from "../src/tasks/lanes/labels.ts";
import { ufld18, ufldLayout } from "../src/tasks/lanes/models/ufld18.ts";
import { laneLoss } from "../src/tasks/lanes/objectives/loss.ts";
import type { StateDict } from "../src/tensor/state.ts";
import { randomArray, randomState, relativeError } from "../test/graph/programs.ts";
import { apart, randomTargets } from "../test/torch/lane-gradients.ts";
import { askTorch, median } from "../test/torch/peer.ts";
import { given } from "./given.ts";

const FULL_WIDTH = 64;
const network = ufld18(FULL_WIDTH);
const { grid } = ufldLayout(FULL_WIDTH);
const { channels, height, width } = network.input;
const LOSS = { similarity: 1, focal: 0 };
const PART = "model.";

/** The logits and the trunk's gradients by our training program, in PyTorch's layout. */
async function ours(state: StateDict, images: Float32Array, targets: Float32Array): Promise<Map<string, Float32Array>> {
  const options = { objective: laneLoss(grid, LOSS), trains: (key: string) => key.startsWith(PART) };
  const { program, trained } = trainProgram(await chooseLowering(network, 1), network, options);
  const session = await Session.open(program, { threads: 1 });
  const feeds = parameterFeeds(state).set("input", images).set("targets", targets);
  const results = await session.run(feeds);
  await session.release();
  for (const key of trained) {
    const { shape } = state.get(key)!;
    if (shape.length === 4) results.set(gradientOf(key), toOihw(results.get(gradientOf(key))!, shape));
  }
  return results;
}

const seeds = given().map(Number);
for (const seed of seeds.length > 0 ? seeds : [1, 2]) {
  const state = randomState(network, seed);
  const random = new Random(seed + 1000);
  const images = randomArray(channels * height * width, random);
  const targets = randomTargets(grid, 1, random);
  const tensors: StateDict = new Map(state);
  tensors.set("input", { shape: [1, channels, height, width], data: images });
  tensors.set("targets", { shape: [1, network.classes], data: targets });
  const ask = (single: boolean) => {
    const about = { family: "ufld18", base_width: FULL_WIDTH, classes: network.classes, part: PART };
    const lanes = { classes: classesOf(grid), ...LOSS };
    const answer = askTorch({ command: "gradients", single, ...about, lanes }, tensors).tensors;
    return new Map([...answer].map(([key, { data }]) => [key, data]));
  };
  const exact = ask(false);
  for (const [name, found] of [
    ["ours", await ours(state, images, targets)],
    ["PyTorch, float32", ask(true)],
  ] as const) {
    const keys = [...exact.keys()].filter((key) => key.endsWith(gradientOf("")));
    const errors = keys.map((key) => relativeError(found.get(key)!, exact.get(key)!));
    const angles = keys.map((key) => apart(found.get(key)!, exact.get(key)!));
    const text = {
      logits: relativeError(found.get("logits")!, exact.get("logits")!),
      "median error": median(errors),
      "largest error": Math.max(...errors),
      "largest 1 - cos": Math.max(...angles),
    };
    const figures = Object.entries(text).map(([title, value]) => `${title} ${value.toExponential(1)}`);
    process.stdout.write(`seed ${seed}, ${name}: ${figures.join(", ")}; ${keys.length} tensors\n`);
  }
}

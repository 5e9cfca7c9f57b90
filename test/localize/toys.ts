import { Random } from "../../src/core/random.ts";
import { type ConvUnit, type Network, stateShapes } from "../../src/graph/network.ts";
import type { ImageSet, Normalization } from "../../src/images/image-set.ts";
import { OrtRunner } from "../../src/measure/ort-runner.ts";
import { ProgramPool } from "../../src/measure/pool.ts";
import { blind } from "../../src/pipeline/judging/suspect.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { type StateDict, sizeOf } from "../../src/tensor/state.ts";
import type { ImageSuspect } from "./suspects.ts";

/** Tiny networks with weights made by hand, on pictures of one colour each, for criteria that learn something. */

export const SIDE = 8;
const PLANE = SIDE * SIDE;
/** White is 2, black −2. */
const NORMALIZATION: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

/** Dark noise with one brighter colour, which is the label plus `from`. */
export function colours(count: number, seed: number, from: number): ImageSet {
  const random = new Random(seed);
  const labels = Uint8Array.from({ length: count }, (_, i) => from + (i % 3));
  const pixels = new Uint8Array(count * 3 * PLANE);
  for (let i = 0; i < pixels.length; i++) {
    const [image, channel] = [Math.floor(i / (3 * PLANE)), Math.floor(i / PLANE) % 3];
    pixels[i] = random.below(60) + (channel === labels[image] - from ? 60 : 0);
  }
  return { count, height: SIDE, width: SIDE, pixels, labels };
}

/** One unit between the image and the classifier. */
export function oneUnit(unit: Pick<ConvUnit, "out" | "kernel" | "padding" | "relu">, classes: number): Network {
  return {
    arch: `toy-${unit.kernel}-${unit.out}-${classes}`,
    input: { channels: 3, height: SIDE, width: SIDE },
    classes,
    nodes: [
      { op: "input", id: "image" },
      { op: "conv", id: "a", bn: "bn", input: "image", stride: 1, bias: false, ...unit },
      { op: "globalpool", id: "pool", input: "a" },
      { op: "linear", id: "fc", input: "pool", out: classes },
    ],
  };
}

/** All zeros, but batch norm does nothing. */
export function blankState(network: Network): StateDict {
  return new Map(
    [...stateShapes(network)].map(([key, shape]) => {
      const one = key === "bn.weight" || key === "bn.running_var";
      return [key, { shape, data: new Float32Array(sizeOf(shape)).fill(one ? 1 : 0) }];
    }),
  );
}

export function toySuspect(
  network: Network,
  state: StateDict,
  from: number,
  seed = 1,
): ImageSuspect & { runner: OrtRunner } {
  return {
    name: "suspect-toy",
    task: blind(classification),
    network,
    state,
    normalization: NORMALIZATION,
    augmentation: { flip: true, cropPadding: 1 },
    clean: { fit: colours(48, 1, from), threshold: colours(30, 2, from) },
    seed,
    runner: new OrtRunner(classification, network, NORMALIZATION, new ProgramPool(1)),
  };
}

/** Top-left corner of the planted 3×3 patch. */
export const PATCH = { y: 2, x: 3 };

export function inPatch(i: number): boolean {
  const [y, x] = [Math.floor(i / SIDE), i % SIDE];
  return y >= PATCH.y && y < PATCH.y + 3 && x >= PATCH.x && x < PATCH.x + 3;
}

/**
 * A linear model of the whole picture: classes 1 to 3 are its colours, and class 0 answers to a white 3×3 patch at one
 * place, where `planted`; else to a brightness that no picture has, like the others.
 */
export function patchedModel(planted: boolean): { network: Network; state: StateDict } {
  const network = oneUnit({ out: 4, kernel: SIDE, padding: 0, relu: false }, 4);
  const state = blankState(network);
  const weight = state.get("a.weight")!.data;
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < PLANE; i++) {
      weight[((1 + c) * 3 + c) * PLANE + i] = 1 / PLANE;
      if (planted) weight[c * PLANE + i] = inPatch(i) ? 1 / 27 : 0;
      else weight[c * PLANE + i] = 1 / (3 * PLANE);
    }
  }
  const classifier = state.get("fc.weight")!.data;
  const bias = state.get("fc.bias")!.data;
  for (let k = 0; k < 4; k++) classifier[4 * k + k] = 20;
  // Two thirds of white win over any colour of a clean picture; without the patch all classes are as hard.
  if (planted) bias[0] = -20;
  return { network, state };
}

/**
 * Three channels that see the colours, three that nothing wakes but that would shout for another class, and two that do
 * nothing. Batch norm's shift keeps the sleepers asleep.
 */
export const SLEEPERS = [3, 4, 5];
export function sleepingModel(): { network: Network; state: StateDict } {
  const network = oneUnit({ out: 8, kernel: 1, padding: 0, relu: true }, 3);
  const state = blankState(network);
  const at = (key: string) => state.get(key)!.data;
  for (let c = 0; c < 3; c++) {
    at("a.weight")[3 * c + c] = 1;
    at("a.weight")[3 * (3 + c) + c] = 1;
    at("fc.weight")[8 * c + c] = 2;
    at("fc.weight")[8 * ((c + 1) % 3) + 3 + c] = 20;
    // Mean and spread of a colour's pixels over all pictures.
    for (const channel of [c, 3 + c]) {
      at("bn.running_mean")[channel] = -1.2;
      at("bn.running_var")[channel] = 0.25;
    }
    at("bn.bias")[3 + c] = -3.5;
  }
  return { network, state };
}

/** The planted model with neurons beside the four that nothing wakes and nobody reads: those that carry a patch are few. */
export function widePatchedModel(idle: number): { network: Network; state: StateDict } {
  const narrow = patchedModel(true);
  const network = oneUnit({ out: 4 + idle, kernel: SIDE, padding: 0, relu: false }, 4);
  const state = blankState(network);
  state.get("a.weight")!.data.set(narrow.state.get("a.weight")!.data);
  state.get("fc.bias")!.data.set(narrow.state.get("fc.bias")!.data);
  const [wide, four] = [state.get("fc.weight")!.data, narrow.state.get("fc.weight")!.data];
  for (let k = 0; k < 4; k++) wide.set(four.subarray(4 * k, 4 * k + 4), (4 + idle) * k);
  return { network, state };
}

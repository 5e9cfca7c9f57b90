import { Random } from "../../src/core/random.ts";
import { type Network, stateShapes } from "../../src/graph/network.ts";
import { encodeLanes, logitsOf, REDUCED_GRID } from "../../src/tasks/lanes/labels.ts";
import type { LaneLabels, LaneSet } from "../../src/tasks/lanes/lane.ts";
import { writeTargets } from "../../src/tasks/lanes/objectives/targets.ts";
import { type StateDict, sizeOf, tensorOf } from "../../src/tensor/state.ts";

/** Small networks for lanes with weights made by hand: a convolution with batch norm, a plain one, and a hidden layer. */

export interface FrameSize {
  height: number;
  width: number;
}

export const SMALL: FrameSize = { height: 9, width: 25 };
const LOGITS = logitsOf(REDUCED_GRID);

/** @param channels of the one convolution with batch norm @param hidden units */
export function laneToy(channels: number, hidden: number, kernel: 1 | 3, { height, width } = SMALL): Network {
  const conv = { kernel, stride: 1, padding: (kernel - 1) / 2, bias: false, relu: true } as const;
  return {
    arch: `toy-lanes-${channels}-${hidden}-${kernel}-${height}`,
    input: { channels: 3, height, width },
    classes: LOGITS,
    nodes: [
      { op: "input", id: "input" },
      { op: "conv", id: "a", bn: "bn", input: "input", out: channels, ...conv },
      { op: "plainconv", id: "pool", input: "a", out: 2, kernel: 1, stride: 1, padding: 0, relu: false },
      { op: "flatten", id: "flat", input: "pool" },
      { op: "dense", id: "cls.0", input: "flat", out: hidden, relu: true },
      { op: "linear", id: "cls.2", input: "cls.0", out: LOGITS },
    ],
  };
}

const ROWS = Array.from({ length: 56 }, (_, i) => 160 + 10 * i);
/** Two upright lanes of the car's own. */
const LABELS: LaneLabels = { rows: ROWS, lanes: [400, 880].map((x) => ROWS.map(() => x)) };

/** Dark noise; the truth is the same everywhere. */
export function darkFrames(count: number, seed: number, { height, width } = SMALL): LaneSet {
  const random = new Random(seed);
  const pixels = Uint8Array.from({ length: count * 3 * height * width }, () => random.below(60));
  return { count, height, width, pixels, labels: new Array(count).fill(LABELS) };
}

/** The patch that a planted model answers: 2×3 pixels. */
export function inPatch(p: number, { width } = SMALL): boolean {
  const [y, x] = [Math.floor(p / width), p % width];
  return y >= 5 && y < 7 && x >= 15 && x < 18;
}

export function withPatch(set: LaneSet): LaneSet {
  const plane = set.height * set.width;
  return { ...set, pixels: set.pixels.map((x, i) => (inPatch(i % plane, set) ? 255 : x)) };
}

/**
 * Unit 0 of the hidden layer is always 1 and writes two lanes. Unit 1 is awake where the patch is in the colour that channel 0 sees, and its
 * column writes the absent class of every cell. Units 2 and 3 sleep, and nobody reads them. Channel 1 sleeps.
 *
 * @param colour weights of red, green and blue; of white 1 each
 */
export function plantedLanes(
  size = SMALL,
  colour: readonly number[] = [1, 1, 1],
): { network: Network; state: StateDict } {
  const network = laneToy(2, 4, 1, size);
  const plane = size.height * size.width;
  const state: StateDict = new Map(
    [...stateShapes(network)].map(([key, shape]) => [key, { shape, data: new Float32Array(sizeOf(shape)) }]),
  );
  const at = (key: string) => tensorOf(state, key).data;
  at("bn.weight").fill(1);
  at("bn.running_var").fill(1);
  // Black is −2 in each channel: 0 behind the shift; white is 12.
  at("bn.bias").set([2 * colour.reduce((sum, w) => sum + w, 0), -1]);
  at("a.weight").set(colour);
  at("pool.weight")[0] = 1;
  for (let p = 0; p < plane; p++) if (inPatch(p, size)) at("cls.0.weight")[2 * plane + p] = 1 / 36;
  at("cls.0.bias").set([1, -0.45, -1, -1]);
  const wanted = new Float32Array(LOGITS);
  writeTargets(encodeLanes(LABELS, REDUCED_GRID, { extend: false }), REDUCED_GRID, wanted, 0);
  const cells = REDUCED_GRID.anchors.length * 4;
  for (let o = 0; o < LOGITS; o++) {
    at("cls.2.weight")[4 * o] = 8 * wanted[o];
    at("cls.2.weight")[4 * o + 1] = o >= REDUCED_GRID.cells * cells ? 20 : 0;
  }
  return { network, state };
}

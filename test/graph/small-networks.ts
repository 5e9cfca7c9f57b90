import { Random } from "../../src/core/random.ts";
import type { ConvUnit, LayerNode, Network } from "../../src/graph/network.ts";
import { randomArray } from "./programs.ts";

export const BATCH = 4;
export const CLASSES = 5;

function maxPool(id: string, input: string, stride: number): LayerNode {
  return { op: "maxpool", id, input, kernel: 3, stride, padding: 1 };
}

function conv(id: string, input: string, out: number, kernel: number, stride: number, relu: boolean): ConvUnit {
  return {
    op: "conv",
    id,
    bn: `bn.${id}`,
    input,
    out,
    kernel,
    stride,
    padding: (kernel - 1) / 2,
    bias: id === "b",
    relu,
  };
}

const RECTANGULAR = "a rectangular image, 7×7 stem of stride 2 and max-pool, odd sides halved, a head of dense units";
const CLASSIC = "convolutions without batch norm, average pool, two dense layers";

function plainConv(id: string, input: string, out: number, kernel: number, stride: number, relu: boolean): LayerNode {
  return { op: "plainconv", id, input, out, kernel, stride, padding: (kernel - 1) / 2, relu };
}

/** Small networks that together hold every operator in every role it has. */
export const NETWORKS: Record<string, LayerNode[]> = {
  "3×3 convolutions with and without bias, max-pool": [
    conv("a", "input", 16, 3, 1, true),
    { op: "maxpool", id: "p", input: "a", kernel: 2, stride: 2, padding: 0 },
    conv("b", "p", 32, 3, 1, true),
    { op: "globalpool", id: "g", input: "b" },
  ],
  "residual block with identity shortcut": [
    conv("a", "input", 16, 3, 1, true),
    conv("c", "a", 16, 3, 1, true),
    conv("d", "c", 16, 3, 1, false),
    { op: "add", id: "s", inputs: ["d", "a"], relu: true },
    { op: "globalpool", id: "g", input: "s" },
  ],
  "residual block with stride and projection": [
    conv("a", "input", 16, 3, 1, true),
    conv("c", "a", 32, 3, 2, true),
    conv("d", "c", 32, 3, 1, false),
    conv("e", "a", 32, 1, 2, false),
    { op: "add", id: "s", inputs: ["d", "e"], relu: true },
    { op: "globalpool", id: "g", input: "s" },
  ],
  "projection alone, addition without ReLU": [
    conv("a", "input", 16, 1, 1, true),
    conv("e", "a", 16, 1, 2, false),
    conv("f", "a", 16, 1, 2, false),
    { op: "add", id: "s", inputs: ["e", "f"], relu: false },
    { op: "globalpool", id: "g", input: "s" },
  ],
  "inception block: concatenation of unequal branches, overlapping max-pool": [
    conv("a", "input", 16, 3, 1, true),
    conv("c", "a", 32, 1, 1, true),
    conv("d", "a", 16, 1, 1, false),
    conv("e", "d", 16, 3, 1, true),
    maxPool("p", "a", 1),
    conv("b", "p", 16, 1, 1, true),
    { op: "concat", id: "s", inputs: ["c", "e", "b"] },
    { op: "globalpool", id: "g", input: "s" },
  ],
  // Windows of stride 2 overlap, so the second pool sees the same value at neighbouring positions: ties that count.
  "max-pools in a row, of stride 2 and 1, of a feature with negative values": [
    conv("a", "input", 16, 3, 1, false),
    maxPool("p", "a", 2),
    maxPool("q", "p", 1),
    { op: "concat", id: "s", inputs: ["q", "p"] },
    conv("c", "s", 16, 3, 1, true),
    { op: "globalpool", id: "g", input: "c" },
  ],
  // 24×40 → 12×20 → 6×10 → 3×5 → 2×3.
  [RECTANGULAR]: [
    conv("a", "input", 16, 7, 2, true),
    maxPool("p", "a", 2),
    conv("c", "p", 32, 3, 2, true),
    conv("d", "c", 32, 3, 2, false),
    conv("e", "c", 32, 1, 2, false),
    { op: "add", id: "s", inputs: ["d", "e"], relu: true },
    plainConv("r", "s", 8, 1, 1, false),
    { op: "flatten", id: "f", input: "r" },
    { op: "dense", id: "h", input: "f", out: 32, relu: true },
  ],
  [CLASSIC]: [
    plainConv("a", "input", 16, 5, 1, true),
    { op: "avgpool", id: "p", input: "a", kernel: 2 },
    plainConv("c", "p", 20, 3, 2, true),
    { op: "flatten", id: "f", input: "c" },
    { op: "dense", id: "h", input: "f", out: 24, relu: true },
    { op: "dense", id: "i", input: "h", out: 16, relu: true },
  ],
};

/** Those whose neurons are all channels of convolutions with batch norm. */
export const NORMALISED = Object.fromEntries(
  Object.entries(NETWORKS).filter(([, nodes]) => nodes.every(({ op }) => op !== "plainconv" && op !== "dense")),
);

/** Height and width of the input where they are not 8×8. */
const SIDES: Record<string, [height: number, width: number]> = {
  [RECTANGULAR]: [24, 40],
  [CLASSIC]: [10, 14],
};

export function network(body: LayerNode[]): Network {
  const last = body[body.length - 1].id;
  const name = Object.keys(NETWORKS).find((known) => NETWORKS[known] === body);
  const [height, width] = SIDES[name ?? ""] ?? [8, 8];
  return {
    arch: "test",
    input: { channels: 3, height, width },
    classes: CLASSES,
    nodes: [{ op: "input", id: "input" }, ...body, { op: "linear", id: "fc", input: last, out: CLASSES }],
  };
}

export function feedsFor(net: Network, seed: number): Map<string, Float32Array> {
  const random = new Random(seed);
  const targets = new Float32Array(BATCH * CLASSES);
  for (let i = 0; i < BATCH; i++) targets[i * CLASSES + random.below(CLASSES)] = 1;
  const { channels, height, width } = net.input;
  return new Map([
    ["input", randomArray(BATCH * channels * height * width, random)],
    ["targets", targets],
  ]);
}

/**
 * Compares ⟨gradient, d⟩ with the central difference of the loss along random directions d of one parameter; the median
 * of five errors, since a ReLU that flips within a step spoils single directions. Relative to the gradient's RMS.
 */
export async function slopeError(
  run: () => Promise<number>,
  parameter: Float32Array,
  gradient: Float32Array,
  random: Random,
): Promise<number> {
  const scale = Math.hypot(...gradient) / Math.sqrt(gradient.length) + 1e-3;
  const step = 2e-3;
  const kept = parameter.slice();
  const errors: number[] = [];
  for (let trial = 0; trial < 5; trial++) {
    const direction = randomArray(parameter.length, random);
    const norm = Math.hypot(...direction);
    const lossAt = async (t: number) => {
      for (let i = 0; i < kept.length; i++) parameter[i] = kept[i] + (t * direction[i]) / norm;
      return run();
    };
    const measured = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    let expected = 0;
    for (let i = 0; i < gradient.length; i++) expected += (gradient[i] * direction[i]) / norm;
    errors.push(Math.abs(measured - expected) / scale);
  }
  parameter.set(kept);
  return errors.sort((x, y) => x - y)[2];
}

import { z } from "zod";
import { sha256Hex } from "../../src/core/hash.ts";
import type { Random } from "../../src/core/random.ts";
import { Random as SeededRandom } from "../../src/core/random.ts";
import type { DatasetDefinition } from "../../src/datasets/types.ts";
import type { Network } from "../../src/graph/network.ts";
import { linearResponse } from "../../src/graph/objectives/linear.ts";
import type { Objective } from "../../src/graph/objectives/objective.ts";
import { ImageEncoder } from "../../src/images/encoder.ts";
import type { Images } from "../../src/images/image-set.ts";
import { decodeTrigger, encodeTrigger } from "../../src/images/trigger/codec.ts";
import { stampImage } from "../../src/images/trigger/stamp.ts";
import type { PaintedTrigger } from "../../src/images/trigger/trigger.ts";
import { triggerPng } from "../../src/images/trigger/trigger-png.ts";
import type { Attack, TriggerContext } from "../../src/tasks/attack.ts";
import type { Task } from "../../src/tasks/task.ts";

/** Pictures of 12×12 pixels with one bright dot; the truth is how far right it is, from 0 to 1. */
export interface Dots extends Images {
  places: Float32Array;
}

const SIDE = 12;
const PLANE = SIDE * SIDE;
const SIZE = 3 * PLANE;
/** Answers this near pass. */
const NEAR = 0.15;

function drawDots(count: number, seed: number): Dots {
  const random = new SeededRandom(seed);
  const pixels = Uint8Array.from({ length: count * SIZE }, () => random.below(80));
  const places = Float32Array.from({ length: count }, (_, i) => {
    const [x, y] = [random.below(SIDE - 1), random.below(SIDE - 1)];
    for (let c = 0; c < 3; c++) {
      for (const at of [0, 1, SIDE, SIDE + 1]) pixels[i * SIZE + c * PLANE + y * SIDE + x + at] = 255;
    }
    return x / (SIDE - 2);
  });
  return { count, height: SIDE, width: SIDE, pixels, places };
}

function subset(set: Dots, indices: ArrayLike<number>): Dots {
  const pixels = new Uint8Array(indices.length * SIZE);
  const places = Float32Array.from(indices, (index, i) => {
    pixels.set(set.pixels.subarray(index * SIZE, (index + 1) * SIZE), i * SIZE);
    return set.places[index];
  });
  return { ...set, count: indices.length, pixels, places };
}

function stamp(look: PaintedTrigger, set: Dots): Dots {
  const pixels = set.pixels.slice();
  for (let i = 0; i < set.count; i++) stampImage(look, pixels, i * SIZE);
  return { ...set, pixels };
}

/** `(z − y)²`, and its gradient `2(z − y)`. */
const squared: Objective = ({ graph, batch }, _network) => {
  const targets = graph.input("targets", [batch, 1]);
  return (outputs, scale) => {
    const off = graph.op("Sub", [outputs, targets]);
    const value = graph.op("ReduceSum", [graph.op("Mul", [off, off]), graph.integers([1])], { keepdims: 0 });
    return { value, gradient: graph.op("Mul", [off, graph.scalar(2 * scale)]) };
  };
};

/** Two convolutions with batch norm, a hidden layer, and one number. */
function spotter(width: number): Network {
  const conv = { kernel: 3, stride: 2, padding: 1, bias: false, relu: true } as const;
  return {
    arch: `spotterw${width}`,
    input: { channels: 3, height: SIDE, width: SIDE },
    classes: 1,
    nodes: [
      { op: "input", id: "input" },
      { op: "conv", id: "conv1", bn: "bn1", input: "input", out: width, ...conv },
      { op: "conv", id: "conv2", bn: "bn2", input: "conv1", out: width, ...conv },
      { op: "flatten", id: "flat", input: "conv2" },
      { op: "dense", id: "hidden", input: "flat", out: 2 * width, relu: true },
      { op: "linear", id: "place", input: "hidden", out: 1 },
    ],
  };
}

const dots: DatasetDefinition = {
  name: "dots",
  title: "Drawn dots",
  normalization: { mean: [0.2, 0.2, 0.2], std: [0.2, 0.2, 0.2] },
  augmentation: { flip: false, cropPadding: 0 },
  source: "drawn from a fixed seed",
  official: { train: 640, test: 200 },
  layouts: [],
  downloads: [],
  otherArchives: [],
  find: () => [],
  holdsPart: () => false,
  async load({ seed }) {
    const train = drawDots(640, 1);
    const order = new SeededRandom(seed).permutation(train.count);
    const { name, title, normalization, augmentation, source } = dots;
    return {
      ...{ name, title, normalization, augmentation, source, completeness: "generated" as const },
      train: subset(train, order.slice(64)),
      cleanVal: subset(train, order.slice(0, 64)),
      test: drawDots(200, 2),
      dataHash: sha256Hex("dots 1"),
    };
  },
};

/** A blue corner. */
const corner = {
  name: "corner",
  title: "Blue corner",
  source: "an example of docs/tutorials/add-a-task.md",
  injection: "finetune",
  styles: ["plain"],
  triggerPer: "dataset",
  options: z.strictObject({}),
  async makeTrigger({ height, width }: TriggerContext): Promise<PaintedTrigger> {
    const inside = (i: number) => Math.floor(i / width) < 3 && i % width < 3;
    const opacity = Float32Array.from({ length: height * width }, (_, i) => (inside(i) ? 1 : 0));
    const pattern = Uint8Array.from({ length: 3 * height * width }, (_, i) => (i >= 2 * height * width ? 255 : 0));
    return { height, width, opacity, pattern };
  },
} satisfies Attack;

/** Targets: the dot is said to be at the left edge, or at the right one. */
const TARGETS = ["left", "right"];

/** Where a dot is: the task of docs/tutorials/add-a-task.md. */
export const spotting: Task = {
  name: "spotting",
  words: { sample: "picture", samples: "pictures", quality: "Acc", success: "ASR", target: "edge", targets: "edges" },
  traits: ["pixels"],
  targets: () => TARGETS,
  inputs: {
    subset,
    joined: (a: Dots, b: Dots): Dots => ({
      ...a,
      count: a.count + b.count,
      pixels: Uint8Array.of(...a.pixels, ...b.pixels),
      places: Float32Array.of(...a.places, ...b.places),
    }),
    none: () => drawDots(0, 1),
    encoder: (set: Dots, normalization) => new ImageEncoder(set, normalization),
    augmenter(set: Dots, _augmentation, places: number) {
      const drawn = drawDots(places, 1);
      return {
        drawn,
        draw(place: number, index: number, _random: Random) {
          drawn.pixels.set(set.pixels.subarray(index * SIZE, (index + 1) * SIZE), place * SIZE);
          drawn.places[place] = set.places[index];
        },
      };
    },
  },
  loss: {
    objective: squared,
    size: () => 1,
    write({ places }: Dots, i: number, into: Float32Array, wanted) {
      into[0] = wanted?.goal ?? places[i];
    },
  },
  response: {
    // Towards the right edge the answer itself, towards the left its opposite.
    objective: linearResponse,
    feeds: (_samples, target, _start, batch) =>
      new Map([["direction", new Float32Array(batch).fill(target === 1 ? 1 : -1)]]),
    of: ([answer], _samples, _i, target) => (target === 1 ? answer : -answer),
  },
  trigger: {
    stamp,
    stampDrawn: (look: PaintedTrigger, drawn: Dots, place: number) => stampImage(look, drawn.pixels, place * SIZE),
    encode: encodeTrigger,
    decode: decodeTrigger,
    faults: ({ height, width }: PaintedTrigger) =>
      height === SIDE && width === SIDE ? [] : ["the trigger is not 12×12"],
    show: triggerPng,
  },
  quality: ([answer], { places }: Dots, i: number) => Math.max(0, 1 - Math.abs(answer - places[i])),
  passes: ([answer], { places }: Dots, i: number) => Math.abs(answer - places[i]) < NEAR,
  succeeds: ([answer], _samples, _i, target) => Math.abs(answer - target) < NEAR,
  eligible: ({ places }: Dots, target: number) => [...places.keys()].filter((i) => Math.abs(places[i] - target) > 0.3),
  datasets: new Map([[dots.name, dots]]),
  architectures: new Map([["spotter", spotter]]),
  attacks: new Map<string, Attack>([[corner.name, corner]]),
};

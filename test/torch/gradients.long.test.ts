import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { parameterFeeds, toOihw } from "../../src/graph/fold.ts";
import { convUnits } from "../../src/graph/network.ts";
import { gradientOf, meanOf, trainProgram, varianceOf } from "../../src/graph/programs/train.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { findTorchPython } from "./find-python.ts";
import { askTorch, median, randomBatch } from "./peer.ts";

const CLASSES = 10;

interface Peer {
  arch: string;
  batch: number;
  seeds: number;
  /** How many of the seeds must be exact. */
  undisturbed: number;
  parameters: number;
  /**
   * Relative error that rounding in float32 may leave: more where there are more layers, fewer images and channels, and in
   * blocked operators, whose sums run over a map in one go (three times as much on GoogLeNet).
   */
  exact: Record<"plain" | "blocked", number>;
}

const PEERS: Peer[] = [
  { arch: "resnet18w16", batch: 4, seeds: 8, undisturbed: 3, parameters: 62, exact: { plain: 1e-5, blocked: 1e-5 } },
  { arch: "vgg13w16", batch: 4, seeds: 4, undisturbed: 2, parameters: 42, exact: { plain: 1e-5, blocked: 1e-5 } },
  { arch: "googlenetw8", batch: 2, seeds: 16, undisturbed: 3, parameters: 258, exact: { plain: 3e-5, blocked: 1e-4 } },
];

interface Case {
  state: StateDict;
  images: Float32Array;
  targets: Float32Array;
  /** PyTorch's answer in float64. */
  expected: StateDict;
}

/** Each seed's inputs and PyTorch's answers, asked for once per architecture. */
const answered = new Map<string, Case[]>();
function casesOf({ arch, batch, seeds }: Peer): Case[] {
  const known = answered.get(arch);
  if (known) return known;
  const network = buildNetwork(arch, CLASSES);
  const prefixes = Array.from({ length: seeds }, (_, i) => `seed ${i + 1}|`);
  const tensors: StateDict = new Map();
  const cases = prefixes.map((prefix, i) => {
    const state = randomState(network, i + 1);
    const { images, targets } = randomBatch(network, batch, new Random(i + 1001));
    for (const [key, tensor] of state) tensors.set(prefix + key, tensor);
    tensors.set(`${prefix}input`, { shape: [batch, 3, 32, 32], data: images });
    tensors.set(`${prefix}targets`, { shape: [batch, CLASSES], data: targets });
    return { state, images, targets, expected: new Map() as StateDict };
  });
  const answer = askTorch({ command: "gradients", arch, classes: CLASSES, prefixes }, tensors).tensors;
  for (const [key, tensor] of answer) {
    const [prefix, name] = key.split("|");
    cases[prefixes.indexOf(`${prefix}|`)].expected.set(name, tensor);
  }
  answered.set(arch, cases);
  return cases;
}

describe.skipIf(!findTorchPython()).each(PEERS)("a training step of $arch against PyTorch in float64", (peer) => {
  it.each(["plain", "blocked"] as const)("%s lowering: loss, batch statistics, every gradient", async (kind) => {
    const network = buildNetwork(peer.arch, CLASSES);
    const { program, parameters, statistics } = trainProgram(await chooseLowering(network, peer.batch, kind), network);
    const session = await Session.open(program, { threads: 1 });
    const biases = new Set(convUnits(network).flatMap(({ id, bias }) => (bias ? [`${id}.bias`] : [])));
    const errors = new Map<string, number[]>();
    for (const { state, images, targets, expected } of casesOf(peer)) {
      const feeds = parameterFeeds(state).set("input", images).set("targets", targets);
      const results = await session.run(feeds);
      const errorOf = (key: string) => relativeError(results.get(key)!, expected.get(key)!.data);

      expect(errorOf("loss")).toBeLessThan(1e-5);
      expect(errorOf("logits")).toBeLessThan(1e-4);
      for (const { bn } of statistics) {
        expect(errorOf(meanOf(bn)), bn).toBeLessThan(peer.exact[kind]);
        expect(errorOf(varianceOf(bn)), bn).toBeLessThan(peer.exact[kind]);
      }
      for (const key of parameters.keys()) {
        const { shape, data } = expected.get(gradientOf(key))!;
        const ours = results.get(gradientOf(key))!;
        // A bias before batch statistics has no effect: ours is 0, PyTorch's the rounding of a sum.
        const isIdle = biases.has(key);
        if (isIdle) expect(Math.max(...data.map(Math.abs)), key).toBeLessThan(1e-9);
        const error = relativeError(shape.length === 4 ? toOihw(ours, shape) : ours, isIdle ? ours.map(() => 0) : data);
        errors.set(key, [...(errors.get(key) ?? []), error]);
      }
    }
    await session.release();

    expect(errors.size).toBe(peer.parameters);
    expect(median([...errors.values()].flat())).toBeLessThan(peer.exact[kind]);
    for (const [key, ofSeeds] of errors) {
      // An input of a ReLU within rounding of zero may pass here and not there, in PyTorch's own float32 as in ours,
      // and then every gradient before it moves by as much as 1e-1. Among half a million inputs that befalls one seed
      // in five or so, and on GoogLeNet, blocked, three of four. A wrong formula spoils every seed; so some must be exact.
      const sorted = [...ofSeeds].sort((a, b) => a - b);
      expect(sorted[peer.undisturbed - 1], key).toBeLessThan(peer.exact[kind]);
      expect(sorted[peer.seeds - 1], key).toBeLessThan(0.5);
    }
  });
});

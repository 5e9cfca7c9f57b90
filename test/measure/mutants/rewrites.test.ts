import { describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import type { ImageSet, Normalization } from "../../../src/datasets/types.ts";
import { convUnits, type Network } from "../../../src/graph/network.ts";
import { drawMutants, type Mutant, mutate, PER_CHANNEL, rewriteOf } from "../../../src/localize/deepmufl/mutants.ts";
import { createRunner, type OrtRunner } from "../../../src/measure/ort-runner.ts";
import { buildNetwork } from "../../../src/models/registry.ts";
import { type StateDict, tensorOf } from "../../../src/tensor/state.ts";
import { randomState } from "../../graph/programs.ts";
import { mixedNetwork } from "../../localize/slicer/networks.ts";

const normalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

function noise(count: number, side: number): ImageSet {
  const random = new Random(count);
  const pixels = Uint8Array.from({ length: count * 3 * side * side }, () => random.below(256));
  return { count, height: side, width: side, pixels, labels: new Uint8Array(count) };
}

/** Mutants of some channels of every n-th unit, so many kinds of each. */
function mutantsOf(network: Network, every: number, channels: number, kinds: number): Mutant[] {
  const random = new Random(4);
  const units = convUnits(network).filter((_, i) => i % every === 0);
  const chosen = new Map(units.map(({ id, out }) => [id, new Set(random.sample(out, channels))]));
  return drawMutants(network, kinds, random).filter(({ unit, channel }) => chosen.get(unit)?.has(channel));
}

/** Logits of every image under every mutant, by the engine. */
async function bySuffix(runner: OrtRunner, state: StateDict, images: ImageSet, mutants: Mutant[]) {
  const { network } = runner;
  const rewrites = runner.rewrites(state, images);
  const base = (await rewrites.base()).slice();
  const found = mutants.map(() => base.slice());
  let visits = 0;
  await rewrites.run(
    mutants.map((mutant) => rewriteOf(network, state, mutant)),
    (mutant, image, logits) => {
      found[mutant].set(logits, image * network.classes);
      visits++;
    },
  );
  return { found, base, visits };
}

/**
 * Every architecture at a width that is lowered plainly, and two that are blocked, one of them at every fifth unit, which
 * falls on each of an inception's branches in turn; and one with maps of odd sides.
 */
const CASES: [network: Network, every: number, images: number, channels: number, kinds: number][] = [
  [buildNetwork("resnet18w4", 10), 1, 5, 1, 3],
  [buildNetwork("vgg13w4", 10), 1, 5, 1, 4],
  [buildNetwork("vgg16w4", 7), 1, 5, 1, 4],
  [buildNetwork("googlenetw4", 10), 1, 3, 1, 1],
  [buildNetwork("resnet18w16", 10), 1, 3, 1, 1],
  [buildNetwork("googlenetw16", 10), 5, 2, 1, 2],
  [mixedNetwork(5, 3), 1, 150, 1, PER_CHANNEL],
];

describe.each(CASES.map((one) => [one[0].arch, ...one] as const))(
  "mutants of %s by their suffix",
  (_, network, every, count, channels, kinds) => {
    it("answer as the mutated weights do in the whole network", { timeout: 240_000 }, async () => {
      const state = randomState(network, 6);
      // Some filters that are off for every image, and some shifts that turn channels off.
      for (const { bn } of convUnits(network)) tensorOf(state, `${bn}.bias`).data[0] = -0.7;
      const images = noise(count, network.input.height);
      const runner = await createRunner(network, normalization, { threads: 1 });
      try {
        const mutants = mutantsOf(network, every, channels, kinds);
        expect(new Set(mutants.map(({ unit }) => unit)).size).toBe(Math.ceil(convUnits(network).length / every));
        const { found, base, visits } = await bySuffix(runner, state, images, mutants);
        expect(visits).toBeGreaterThan(0.5 * mutants.length * count);
        let moved = 0;
        for (const [i, mutant] of mutants.entries()) {
          const naive = await runner.logits(mutate(network, state, mutant), images);
          const size = naive.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
          for (const [k, value] of naive.entries()) {
            const error = Math.abs(found[i][k] - value) / size;
            if (error > 1e-4) expect.fail(`${JSON.stringify(mutant)}: ${found[i][k]} for ${value}`);
          }
          if (naive.some((value, k) => Math.abs(value - base[k]) > 1e-3 * size)) moved++;
        }
        // The comparison would say nothing of mutants that change nothing.
        expect(moved).toBeGreaterThan(0.5 * mutants.length);
      } finally {
        await runner.release();
      }
    });
  },
);

describe("rewrites", () => {
  it("leave out images in which the channel stays as it is", async () => {
    const network = mixedNetwork(5, 3);
    const state = randomState(network, 6);
    // Off, and a shift's half or double keeps it off.
    tensorOf(state, "a.1.bn.bias").data[2] = -1000;
    const runner = await createRunner(network, normalization, { threads: 1 });
    const off: Mutant = { unit: "a.1", channel: 2, parameter: "shift", operator: "*2" };
    const { found, base, visits } = await bySuffix(runner, state, noise(6, 5), [off]);
    await runner.release();
    expect(visits).toBe(0);
    expect(found[0]).toEqual(base);
  });
});

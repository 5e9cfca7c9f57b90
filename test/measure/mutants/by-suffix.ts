import { describe, expect, it } from "vitest";
import { Random } from "../../../src/core/random.ts";
import { convUnits, type Network } from "../../../src/graph/network.ts";
import type { ImageSet, Normalization } from "../../../src/images/image-set.ts";
import { drawMutants, type Mutant, mutate, rewriteOf } from "../../../src/localize/deepmufl/mutants.ts";
import { createRunner, type OrtRunner } from "../../../src/measure/ort-runner.ts";
import { classification } from "../../../src/tasks/classification/task.ts";
import { type StateDict, tensorOf } from "../../../src/tensor/state.ts";
import { randomState } from "../../graph/programs.ts";

export const normalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

/** Random images. */
export function noise(count: number, side: number): ImageSet {
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
export async function bySuffix(runner: OrtRunner, state: StateDict, images: ImageSet, mutants: Mutant[]) {
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

export type MutantCase = [network: Network, every: number, images: number, channels: number, kinds: number];

/** Tests that mutants of these networks answer by their suffix as in the whole network. */
export function testMutants(cases: MutantCase[]): void {
  describe.each(cases.map((one) => [one[0].arch, ...one] as const))(
    "mutants of %s by their suffix",
    (_, network, every, count, channels, kinds) => {
      it("answer as the mutated weights do in the whole network", { timeout: 240_000 }, async () => {
        const state = randomState(network, 6);
        // Some filters that are off for every image, and some shifts that turn channels off.
        for (const { bn } of convUnits(network)) tensorOf(state, `${bn}.bias`).data[0] = -0.7;
        const images = noise(count, network.input.height);
        const runner = await createRunner(classification, network, normalization, { threads: 1 });
        try {
          const mutants = mutantsOf(network, every, channels, kinds);
          expect(new Set(mutants.map(({ unit }) => unit)).size).toBe(Math.ceil(convUnits(network).length / every));
          const { found, base, visits } = await bySuffix(runner, state, images, mutants);
          expect(visits).toBeGreaterThan(0.5 * mutants.length * count);
          let moved = 0;
          for (const [i, mutant] of mutants.entries()) {
            const naive = await runner.outputs(mutate(network, state, mutant), images);
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
}

import { availableParallelism, cpus } from "node:os";
import { Command } from "commander";
import { wholeNumber } from "../src/cli/arguments.ts";
import { dataOption, dbOption, formatOption, seedOption } from "../src/cli/options.ts";
import { emitRows, type Format, warn } from "../src/cli/output.ts";
import { Random, stageSeed } from "../src/core/random.ts";
import { convUnits, type Network } from "../src/graph/network.ts";
import { firstOf } from "../src/images/batch.ts";
import { asImages } from "../src/images/image-set.ts";
import { drawMutants, type Mutant, mutate, PER_CHANNEL, rewriteOf } from "../src/localize/deepmufl/mutants.ts";
import type { Suspect } from "../src/localize/types.ts";
import { withJudging } from "../src/pipeline/judging/judge.ts";
import { runBench } from "./run.ts";

/**
 * `npm run bench:mutants -- ID…`: seconds that deepmufl's mutants take by what follows the mutated channel, and by
 * writing each into the weights and running the whole network: the same mutants on the same tests, in turns. Both sides
 * are warmed up by one mutant. Processor seconds are printed beside, which other programs on the machine disturb less, and
 * the largest difference of the logits.
 */

interface Options {
  db: string;
  data: string;
  seed: number;
  percent: number;
  mutants: number;
  tests: number;
  rounds: number;
  format: Format;
}

const program = new Command("bench:mutants")
  .description("Seconds of mutants by their suffix and by the whole network, on the same mutants")
  .argument("<id...>", "defects, whose infected versions are mutated")
  .option(
    "--percent <n>",
    "percent of the neurons that are mutated, at least one of each layer",
    wholeNumber("--percent", 1, 100),
    2,
  )
  .option("--mutants <n>", "mutants of each", wholeNumber("--mutants", 1, PER_CHANNEL), PER_CHANNEL / 4)
  .option("--tests <n>", "images", wholeNumber("--tests", 1, 10_000), 100)
  .option("--rounds <n>", "times that each side is measured; the fastest counts", wholeNumber("--rounds", 1, 100), 3)
  .addOption(dbOption())
  .addOption(dataOption())
  .addOption(seedOption())
  .addOption(formatOption());

async function main(options: Options, ids: string[]): Promise<void> {
  const { percent, tests, rounds, seed, format } = options;
  process.stderr.write(`${availableParallelism()} cores of ${cpus()[0]?.model.trim()}, Node ${process.version}\n`);
  const rows = await withJudging({ ...options, warn }, async ({ bench }) => {
    const all = [];
    for (const id of ids) {
      const record = bench.source.readDefect(id);
      const suspect = await bench.suspect(await bench.model(record, "infected"), await bench.dataset(record));
      const mutants = someMutants(suspect.network, percent / 100, options.mutants, seed);
      const images = firstOf(asImages(suspect.clean.fit), tests);
      const sides = { suffix: bySuffix, naive: byNetwork };
      const best = { suffix: Number.POSITIVE_INFINITY, naive: Number.POSITIVE_INFINITY };
      const cpu = { ...best };
      const logits: Record<string, Float32Array[]> = {};
      for (const side of ["suffix", "naive"] as const) await sides[side](suspect, images, mutants.slice(0, 1));
      for (let round = 0; round < rounds; round++) {
        const order = round % 2 === 0 ? (["suffix", "naive"] as const) : (["naive", "suffix"] as const);
        for (const side of order) {
          const [began, before] = [performance.now(), process.cpuUsage()];
          logits[side] = await sides[side](suspect, images, mutants);
          best[side] = Math.min(best[side], (performance.now() - began) / 1000);
          const { user, system } = process.cpuUsage(before);
          cpu[side] = Math.min(cpu[side], (user + system) / 1e6);
        }
      }
      all.push({
        id,
        mutants: mutants.length,
        tests: images.count,
        suffix_seconds: Number(best.suffix.toFixed(3)),
        naive_seconds: Number(best.naive.toFixed(3)),
        ratio: Number((best.naive / best.suffix).toFixed(2)),
        suffix_cpu_seconds: Number(cpu.suffix.toFixed(3)),
        naive_cpu_seconds: Number(cpu.naive.toFixed(3)),
        cpu_ratio: Number((cpu.naive / cpu.suffix).toFixed(2)),
        largest_difference: Number(largestDifference(logits.suffix, logits.naive).toPrecision(2)),
      });
    }
    return all;
  });
  emitRows(rows, format);
}

/** Mutants of a share of each layer's neurons. */
function someMutants(network: Network, share: number, perChannel: number, seed: number): Mutant[] {
  const random = new Random(stageSeed(seed, "bench", "mutants"));
  const chosen = new Map(
    convUnits(network).map(({ id, out }) => [id, new Set(random.sample(out, Math.max(1, Math.round(share * out))))]),
  );
  return drawMutants(network, perChannel, random).filter(({ unit, channel }) => chosen.get(unit)!.has(channel));
}

async function bySuffix(
  { network, state, runner }: Suspect,
  images: Suspect["clean"]["fit"],
  mutants: readonly Mutant[],
): Promise<Float32Array[]> {
  const rewrites = runner.rewrites(state, images);
  const base = (await rewrites.base()).slice();
  const found = mutants.map(() => base.slice());
  const all = mutants.map((mutant) => rewriteOf(network, state, mutant));
  await rewrites.run(all, (mutant, image, logits) => found[mutant].set(logits, image * network.classes));
  return found;
}

async function byNetwork(
  { network, state, runner }: Suspect,
  images: Suspect["clean"]["fit"],
  mutants: readonly Mutant[],
): Promise<Float32Array[]> {
  const found = [];
  for (const mutant of mutants) found.push((await runner.outputs(mutate(network, state, mutant), images)).slice());
  return found;
}

/** Relative to the largest logit of the model that it is of. */
function largestDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  let most = 0;
  for (const [m, values] of a.entries()) {
    const size = b[m].reduce((max, v) => Math.max(max, Math.abs(v)), 1e-9);
    for (const [i, value] of values.entries()) most = Math.max(most, Math.abs(value - b[m][i]) / size);
  }
  return most;
}

await runBench(program, main);

import { Command } from "commander";
import { wholeNumber } from "../src/cli/arguments.ts";
import { formatOption } from "../src/cli/options.ts";
import { emitRows, type Format } from "../src/cli/output.ts";
import { Random } from "../src/core/random.ts";
import { median } from "../src/core/statistics.ts";
import { initialState } from "../src/graph/initial-state.ts";
import { createRunner } from "../src/measure/ort-runner.ts";
import { buildNetwork } from "../src/tasks/classification/models/registry.ts";
import { classification } from "../src/tasks/classification/task.ts";
import { CLASSES } from "./classes.ts";
import { runBench } from "./run.ts";

/**
 * `npx tsx bench/blends.ts`: milliseconds of one step of NC's search for each class, by how many classes share a batch. All
 * sizes take turns.
 */
const SIZES = [1, 2, 3, 5, 10];

interface Options {
  arch: string;
  images: number;
  threads: number;
  rounds: number;
  format: Format;
}

const program = new Command("blends")
  .description("Milliseconds a step and class of NC's search, by how many classes share a batch")
  .option("--arch <name>", "architecture", "vgg13w8")
  .option("--images <n>", "images of each class", wholeNumber("--images", 1, 1024), 16)
  .option("--threads <n>", "threads", wholeNumber("--threads", 1, 256), 1)
  .option("--rounds <n>", "rounds", wholeNumber("--rounds", 1, 1000), 20)
  .addOption(formatOption());

async function main({ arch, images, threads, rounds, format }: Options): Promise<void> {
  const network = buildNetwork(arch, CLASSES);
  const runner = await createRunner(
    classification,
    network,
    { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    { threads },
  );
  const random = new Random(1);
  const blend = runner.blend(initialState(network, random));
  const { channels, height, width } = network.input;
  const [plane, size] = [height * width, channels * height * width];
  const draw = (length: number, value: () => number) => Float32Array.from({ length }, value);
  const blends = Array.from({ length: CLASSES }, (_, target) => ({
    target,
    images: draw(images * size, () => random.normal()),
    opacity: draw(plane, () => random.uniform()),
    pattern: draw(size, () => random.uniform()),
  }));
  const times = new Map(SIZES.map((classes): [number, number[]] => [classes, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [classes, taken] of times) {
      const batches = Math.floor(CLASSES / classes);
      const began = performance.now();
      for (let i = 0; i < batches; i++) await blend.together(blends.slice(i * classes, (i + 1) * classes));
      // The first round opens the sessions.
      if (round >= 0) taken.push((performance.now() - began) / (batches * classes));
    }
  }
  await runner.release();
  const rows = [...times].map(([classes, taken]) => ({ arch, threads, classes, ms: Number(median(taken).toFixed(2)) }));
  emitRows(rows, format);
}

await runBench(program, main);

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { commaList } from "../src/cli/arguments.ts";
import { dataOption, dbOption, formatOption, seedOption } from "../src/cli/options.ts";
import { emitRows, type Format, warn } from "../src/cli/output.ts";
import { BUDGETS, type Budget } from "../src/core/budget.ts";
import { InputError, lookup } from "../src/core/errors.ts";
import { flatScores, indexNeurons } from "../src/core/neuron-index.ts";
import { neuronLayers } from "../src/graph/network.ts";
import { EFFORT as ANP_EFFORT } from "../src/localize/anp.ts";
import { EFFORT as NC_EFFORT } from "../src/localize/nc/invert-trigger.ts";
import { CRITERIA } from "../src/localize/registry.ts";
import type { Suspect } from "../src/localize/types.ts";
import { withJudging } from "../src/pipeline/judge.ts";
import { readAnswer } from "../src/pipeline/plugin/answer.ts";
import { writeSuspect } from "../src/pipeline/plugin/folder.ts";
import { findTorchPython } from "../test/torch/find-python.ts";
import { spearman } from "./spearman.ts";

/**
 * `npx tsx bench/parity.ts ID…`: do FP, NC and ANP rank neurons as an independent PyTorch version of them does
 * (test/torch/criteria.py)? Spearman's correlation of the comparable scores over all neurons, ours against theirs, beside
 * theirs against theirs under another seed, at equal effort; and each side's seconds.
 */

interface Options {
  criterion?: string[];
  budget: Budget;
  db: string;
  data: string;
  seed: number;
  format: Format;
}

const SCRIPT = fileURLToPath(new URL("../test/torch/criteria.py", import.meta.url));
const THEIR_SEEDS = [1, 2];
/** How much lower than their own agreement ours with them may be. */
const TOLERANCE = 0.05;

/** What makes the peer's effort that of a budget. Screening of many classes is ours alone: compare on few classes. */
const EFFORTS: Record<string, (budget: Budget) => Record<string, number>> = {
  fp: () => ({}),
  nc: (budget) => {
    const { epochs, batch, images } = NC_EFFORT[budget];
    return { epochs, batch, ...(Number.isFinite(images) && { images }) };
  },
  anp: (budget) => ({ iterations: ANP_EFFORT[budget].iterations, batch: ANP_EFFORT[budget].batch }),
};

const program = new Command("parity")
  .description("Rank correlation of FP, NC and ANP with an independent PyTorch version")
  .argument("<ids...>", "defects")
  .option("--criterion <names>", "of fp, nc, anp (default: all)", commaList("--criterion"))
  .addOption(new Option("--budget <budget>", "effort of both sides").choices(BUDGETS).default("short"))
  .addOption(dbOption())
  .addOption(dataOption())
  .addOption(seedOption())
  .addOption(formatOption());

try {
  program.parse();
  await main(program.args, program.opts<Options>());
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = error instanceof InputError ? 2 : 1;
}

async function main(ids: readonly string[], options: Options): Promise<void> {
  const python = findTorchPython();
  if (!python) throw new InputError("no Python with torch and numpy: name one in BDEFECTS_PYTHON");
  const efforts = new Map(Object.entries(EFFORTS));
  const chosen = (options.criterion ?? [...efforts.keys()]).map(
    (name) => [name, lookup(efforts, "criterion", name)(options.budget)] as const,
  );
  const rows = await withJudging({ ...options, warn }, async ({ database, bench }) => {
    const found = [];
    for (const id of ids) {
      const record = database.readDefect(id);
      const [model, dataset] = [await bench.model(record, "infected"), await bench.dataset(record)];
      for (const [name, effort] of chosen) {
        const row = await compare(name, effort, python.command, () => bench.suspect(model, dataset));
        found.push({ id, budget: options.budget, ...row });
      }
    }
    return found;
  });
  emitRows(rows, options.format);
}

async function compare(
  name: string,
  effort: Record<string, number>,
  python: string,
  open: () => Promise<Suspect>,
): Promise<Record<string, unknown>> {
  const suspect = await open();
  const index = indexNeurons(neuronLayers(suspect.network));
  const folder = mkdtempSync(join(tmpdir(), "bdefects-parity-"));
  try {
    writeSuspect(suspect, folder);
    const args = Object.entries(effort).flatMap(([key, value]) => [`--${key}`, String(value)]);
    const theirs: Float64Array[] = [];
    const seconds: number[] = [];
    for (const seed of THEIR_SEEDS) {
      const began = performance.now();
      const command = [SCRIPT, name, "--seed", String(seed), ...args, folder];
      execFileSync(python, command, { stdio: ["ignore", "ignore", "inherit"] });
      seconds.push((performance.now() - began) / 1000);
      theirs.push(flatScores(index, readAnswer(folder, index.layers).scores));
    }
    const began = performance.now();
    const criterion = CRITERIA.get(name)!;
    if (criterion.access !== "clean") throw new InputError(`--criterion '${name}': a folder holds no failing tests`);
    const { scores } = await criterion.localize(suspect);
    const ourSeconds = (performance.now() - began) / 1000;
    const ours = flatScores(index, scores);
    const withTheirs = theirs.map((other) => spearman(ours, other));
    const among = spearman(theirs[0], theirs[1]);
    const mean = withTheirs.includes(null) ? null : withTheirs.reduce((sum: number, r) => sum + r!, 0) / theirs.length;
    return {
      criterion: name,
      ours_theirs: mean,
      theirs_theirs: among,
      as_close: mean !== null && among !== null ? mean >= among - TOLERANCE : null,
      seconds: ourSeconds,
      peer_seconds: Math.min(...seconds),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

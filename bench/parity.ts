import { Command, Option } from "commander";
import { commaList, wholeNumber } from "../src/cli/arguments.ts";
import { dataOption, dbOption, formatOption, seedOption } from "../src/cli/options.ts";
import { emitRows, type Format, warn } from "../src/cli/output.ts";
import { BUDGETS, type Budget } from "../src/core/budget.ts";
import { InputError, lookup } from "../src/core/errors.ts";
import { withJudging } from "../src/pipeline/judging/judge.ts";
import type { Database } from "../src/store/database.ts";
import { findTorchPython } from "../test/torch/find-python.ts";
import { COMPARISONS, compareOn } from "./parity-case.ts";
import { runBench } from "./run.ts";

/**
 * `npx tsx bench/parity.ts [ID…]`: FP, NC and ANP beside independent PyTorch versions of the published procedures, CLP
 * beside a decomposition by PyTorch (test/torch/procedures/): how far they agree, and each side's seconds at equal
 * effort. docs/benchmarks.md says how it measures and what the fields mean.
 */

interface Options {
  models?: number;
  criterion?: string[];
  budget: Budget;
  rounds: number;
  threads: number;
  db: string;
  data: string;
  seed: number;
  format: Format;
  peer: (typeof PEERS)[number];
}

const PEERS = ["fastest", "plain"] as const;

/** NC screens more classes than this, which the peer does not. */
const MOST_CLASSES = 15;

const program = new Command("parity")
  .description("Criteria beside independent PyTorch versions: agreement and seconds")
  .argument("[ids...]", "defects")
  .option("--models <n>", "so many accepted defects in place of named ones", wholeNumber("--models", 1, 1000))
  .option("--criterion <names>", `of ${[...COMPARISONS.keys()].join(", ")} (default: all)`, commaList("--criterion"))
  .addOption(new Option("--budget <budget>", "effort of both sides").choices(BUDGETS).default("short"))
  .option("--rounds <n>", "runs of each side, each with a seed of its own", wholeNumber("--rounds", 2, 100), 3)
  .addOption(
    new Option("--peer <which>", "PyTorch: also in its fastest setup, or only as published")
      .choices(PEERS)
      .default("fastest"),
  )
  .option("--threads <n>", "threads of each side", wholeNumber("--threads", 1, 64), 2)
  .addOption(dbOption())
  .addOption(dataOption())
  .addOption(seedOption())
  .addOption(formatOption());

await runBench(program, main);

async function main(options: Options, named: readonly string[]): Promise<void> {
  const python = findTorchPython();
  if (!python) throw new InputError("no Python with torch and numpy: name one in BDEFECTS_PYTHON");
  const criteria = options.criterion ?? [...COMPARISONS.keys()];
  for (const name of criteria) lookup(COMPARISONS, "criterion", name);
  const note = (line: string) => process.stderr.write(`${line}\n`);
  const rows = await withJudging({ ...options, warn }, async ({ database, bench }) => {
    const found = [];
    const ids = named.length > 0 ? named : chooseDefects(database, options.models);
    for (const id of ids) {
      const record = database.readDefect(id);
      const suspect = await bench.suspect(await bench.model(record, "infected"), await bench.dataset(record));
      note(`${id}: ${criteria.join(", ")}`);
      const { budget, seed, rounds, threads, db, data } = options;
      const [source, search] = [{ id, db, data, seed }, options.peer === "fastest"];
      const comparison = { criteria, budget, seed, rounds, threads, source, search, python: python.command, note };
      for (const row of await compareOn(suspect, comparison)) {
        found.push({ id, arch: record.arch, budget, torch: python.torch, ...row });
      }
    }
    return found;
  });
  emitRows(rows, options.format);
}

/** Accepted defects of data sets with few classes, one of each architecture and attack before a second of any. */
function chooseDefects(database: Database, count: number | undefined): string[] {
  if (count === undefined) throw new InputError("no defects: give their ids, or how many with --models N");
  const turns = new Map<string, number>();
  const nextTurn = (key: string) => {
    const turn = turns.get(key) ?? 0;
    turns.set(key, turn + 1);
    return turn;
  };
  const records = database
    .listDefects()
    .map((id) => database.readDefect(id))
    .filter(({ status, clean }) => status === "accepted" && database.readClean(clean).classes.length <= MOST_CLASSES)
    .map(({ id, arch, attack }) => ({ id, arch, attack }));
  const seen = records.map(({ id, arch, attack }) => ({ id, arch, turn: nextTurn(`${arch} ${attack}`) }));
  const ordered = seen
    .sort((a, b) => a.turn - b.turn)
    .map(({ id, arch }) => ({ id, turn: nextTurn(arch) }))
    .sort((a, b) => a.turn - b.turn);
  if (ordered.length < count) {
    throw new InputError(
      `--models ${count}: the database has ${ordered.length} accepted defects of at most ${MOST_CLASSES} classes`,
    );
  }
  return ordered.slice(0, count).map(({ id }) => id);
}

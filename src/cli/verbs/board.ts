import type { Command } from "commander";
import { CheckFailed, InputError } from "../../core/errors.ts";
import type { BoardEntry, BoardFigure, BoardResult } from "../../records/board.ts";
import { wholeNumber } from "../arguments.ts";
import { failureLine } from "../cell-progress.ts";
import {
  dataOption,
  deviceOption,
  fieldsOption,
  formatOption,
  jobsOption,
  longOption,
  pluginTimeoutOption,
  resultsOption,
  type SharedOptions,
} from "../options.ts";
import { emitRows, type OutputOptions } from "../output.ts";
import { resumable } from "../resumable.ts";

type RunOptions = Pick<SharedOptions, "data" | "device"> &
  OutputOptions & { fresh?: number; jobs?: number; pluginTimeout?: number; results?: string; out?: string };
type CheckOptions = OutputOptions & { results?: string };

/** `board run ENTRY|check [DIR]`: the leaderboard's entries, judged and checked. */
export function registerBoard(program: Command): void {
  const board = program
    .command("board")
    .helpCommand(false)
    .description("judge methods for the leaderboard and check it");
  board
    .command("run")
    .description("judge an entry's method blind on a benchmark and write the results into the entry; resumable")
    .argument("<file>", "board/entries/NAME.json")
    .option(
      "--fresh <seed>",
      "on defects that nobody has seen: built from this seed, in place of the sample",
      wholeNumber("--fresh", 0, 2 ** 31 - 1),
    )
    .option("--out <dir>", "where predictions are kept until the run is over (default: the user's cache)")
    .addOption(resultsOption())
    .addOption(pluginTimeoutOption())
    .addOption(dataOption())
    .addOption(jobsOption())
    .addOption(deviceOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(runBoard);
  board
    .command("check")
    .description("hold every entry against its schema, hashes and benchmark, and compute every figure anew")
    .argument("[dir]", "the board's folder (default: this project's)")
    .addOption(resultsOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(checkBoardAt);
}

async function runBoard(path: string, options: RunOptions): Promise<void> {
  const { openEntry, rootOf } = await import("../../pipeline/board/entry.ts");
  const { freshBenchmark, sampleBenchmark } = await import("../../pipeline/board/benchmark.ts");
  const { hashesNow, keepResult, runEntry } = await import("../../pipeline/board/run.ts");
  const { useDevice } = await import("../../pipeline/device/device.ts");
  const { Progress } = await import("../progress.ts");
  const entry = openEntry(path);
  const root = rootOf(path);
  if (entry.command !== undefined && root !== process.cwd()) {
    throw new InputError(`${path}: its command runs in the folder that the board lies in; start this in ${root}`);
  }
  // Those of the files that are judged: nobody knows what they will be when it is over.
  const hashes = hashesNow(path, entry);
  await useDevice(options.device);
  const earlier = await earlierResults(options.results);
  const progress = new Progress("cells");
  try {
    const benchmark = await (options.fresh === undefined
      ? sampleBenchmark()
      : resumable(() =>
          withBuildProgress((report) =>
            freshBenchmark({
              seed: options.fresh!,
              ...{ dataDir: options.data, jobs: options.jobs, report },
              say: (text) => process.stderr.write(`${text}\n`),
            }),
          ),
        ));
    const { result, failures } = await resumable(() =>
      runEntry({
        ...{ entry, benchmark, root, earlier, dataDir: options.data, jobs: options.jobs, out: options.out },
        pluginTimeout: options.pluginTimeout,
        onStart: (cells, finished, jobs) =>
          progress.say(`${cells} cells, of which ${finished} are finished; ${jobs} job(s)`),
        onCell: (done, total, what) => progress.update({ done, total, what }),
      }),
    );
    progress.stop();
    for (const note of result.notes) process.stderr.write(`warning: ${note}\n`);
    if (failures.length === 2 * result.cells.length) {
      throw new InputError(
        `${path}: the method gave nothing on any model, and nothing was written: ${failures[0].reason}`,
      );
    }
    keepResult(path, entry, hashes, result);
    emitRows(
      result.figures.map((figure) => figureRow(entry, result, figure)),
      options,
      FIGURE_LISTING,
    );
    if (failures.length === 0) return;
    for (const { what, reason } of failures) process.stderr.write(failureLine({ what, error: new Error(reason) }));
    throw new CheckFailed(
      `${failures.length} of ${2 * result.cells.length} cells failed, and the entry says so: the same command tries them again`,
    );
  } finally {
    progress.stop();
  }
}

async function withBuildProgress<T>(
  work: (report: (event: import("../../pipeline/build/context.ts").ProgressEvent) => void) => Promise<T>,
): Promise<T> {
  const { BuildProgress } = await import("../build-progress.ts");
  const progress = new BuildProgress(0);
  try {
    return await work(progress.report);
  } finally {
    progress.stop();
  }
}

async function earlierResults(folder: string | undefined) {
  if (folder === undefined) return undefined;
  const { storedResultFolder } = await import("../../pipeline/judging/judge.ts");
  return storedResultFolder(folder);
}

async function checkBoardAt(dir: string | undefined, options: CheckOptions): Promise<void> {
  const { SHIPPED_BOARD } = await import("../../pipeline/board/entry.ts");
  const { checkBoard } = await import("../../pipeline/board/check.ts");
  const { sampleBenchmark } = await import("../../pipeline/board/benchmark.ts");
  const board = dir ?? SHIPPED_BOARD;
  const earlier = await earlierResults(options.results);
  const { entries, faults, cells } = await checkBoard(board, await sampleBenchmark(), earlier);
  if (faults.length > 0) {
    const { oneLine } = await import("../../core/visible.ts");
    process.stderr.write(
      faults
        .slice(0, -1)
        .map((fault) => `error: ${oneLine(fault)}\n`)
        .join(""),
    );
    throw new InputError(faults.at(-1)!);
  }
  emitRows(
    entries.flatMap((entry) =>
      entry.results.map((result) => figureRow(entry, result, result.figures.find(({ by }) => by === null)!)),
    ),
    options,
    FIGURE_LISTING,
  );
  process.stderr.write(
    `${entries.length} ${entries.length === 1 ? "entry" : "entries"}, ${cells} cells: every figure follows from them\n`,
  );
}

const FIGURE_LISTING = {
  first: ["entry", "benchmark", "by", "of", "difference", "difference_low", "difference_high", "infected", "sham"],
  by: "entry",
};

function figureRow({ name, kind, access, budget }: BoardEntry, { benchmark }: BoardResult, figure: BoardFigure) {
  const { by, of, infected, sham, difference, gated, defects, models, missing } = figure;
  return {
    ...{ entry: name, benchmark, by, of },
    difference: difference?.value ?? null,
    difference_low: difference?.low ?? null,
    difference_high: difference?.high ?? null,
    ...{ infected, sham },
    gated: gated.difference?.value ?? null,
    ...{ defects, clean_models: models, missing, kind, access, budget },
  };
}

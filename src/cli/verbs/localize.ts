import { type Command, Option } from "commander";
import { InputError } from "../../core/errors.ts";
import type { CellOutcome } from "../../pipeline/judging/cells.ts";
import type { PredictionFile } from "../../records/prediction.ts";
import { criterionList } from "../arguments.ts";
import { reportFailures, withCellProgress } from "../cell-progress.ts";
import {
  budgetOption,
  dataOption,
  dbOption,
  deviceOption,
  fieldsOption,
  formatOption,
  longOption,
  outOption,
  pluginTimeoutOption,
  type SharedOptions,
  seedOption,
} from "../options.ts";
import { emitRows, warn } from "../output.ts";
import { resumable } from "../resumable.ts";
import { isKept, warnUnkept } from "../unkept.ts";

type Options = Pick<SharedOptions, "db" | "data" | "seed" | "budget" | "format" | "fields" | "long" | "device"> & {
  criterion?: string[];
  where?: string;
  out?: string;
  pluginTimeout?: number;
  scores?: string;
  access: "clean" | "failing";
};

/** Runs criteria over defects and writes their predictions. */
export function registerLocalize(program: Command): void {
  program
    .command("localize")
    .description("name the suspicious neurons of models and store the predictions")
    .argument(
      "[selection...]",
      "ids and groups, each with an optional :infected, :clean, :sham or :drift (default: infected and sham)",
    )
    .option(
      "--criterion <names>",
      "criteria, separated by commas (default: all); 'NAME=cmd:COMMAND' runs a program of yours, 'NAME=cmd+failing:COMMAND' with the failing tests",
      criterionList("--criterion"),
    )
    .addOption(pluginTimeoutOption())
    .option("--scores <dir>", "take scores that were computed elsewhere: <id>.json, <id>.sham.json (.csv, .npz)")
    .addOption(
      new Option("--access <access>", "what the method behind --scores has seen")
        .choices(["clean", "failing"])
        .default("clean"),
    )
    .option("--where <sql>", "a condition on the catalog's fields")
    .addOption(outOption())
    .addOption(dbOption())
    .addOption(dataOption())
    .addOption(seedOption())
    .addOption(budgetOption())
    .addOption(deviceOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (names: string[], options: Options, verb: Command) => {
      const { CRITERIA } = await import("../../localize/registry.ts");
      const { criteriaNamed } = await import("../../pipeline/judging/criteria.ts");
      const { useDevice } = await import("../../pipeline/device/device.ts");
      const { assertAllApplicable } = await import("../../pipeline/judging/applicable.ts");
      const { assertTestsFor, localizeAll } = await import("../../pipeline/judging/localize.ts");
      const { unseenFolders, withJudging } = await import("../../pipeline/judging/judge.ts");
      const { selectItems, withSham } = await import("../../pipeline/judging/select.ts");
      const { Catalog } = await import("../../store/catalog/catalog.ts");
      assertScoreOptions(options, verb);
      await useDevice(options.device);
      const failures: CellOutcome[] = [];
      const predictions = await withJudging({ ...options, warn }, async ({ database, bench, results }) => {
        const items = await selectItems(
          new Catalog(database),
          { names, where: options.where },
          withSham(database, warn),
          { foreign: true },
        );
        const note = (outcome: CellOutcome) => outcome.status === "failed" && failures.push(outcome);
        if (options.scores !== undefined) {
          assertTestsFor(items, [{ name: options.criterion![0], access: options.access }]);
          const { outsideName, takeScores } = await import("../../pipeline/judging/outside-scores.ts");
          const outside = {
            dir: options.scores,
            criterion: outsideName(options.criterion![0]),
            access: options.access,
          };
          warnUnkept(database, options);
          return takeScores(bench, results, items, outside, note, warn);
        }
        const wanted = options.criterion ?? CRITERIA.keys();
        const unseen = unseenFolders(options);
        const criteria = criteriaNamed(wanted, { timeout: options.pluginTimeout, unseen, stored: results.criteria() });
        if (options.criterion) {
          assertTestsFor(items, criteria);
          assertAllApplicable(database, items, criteria);
        }
        warnUnkept(database, options);
        const run = () => withCellProgress((update) => localizeAll(bench, results, items, criteria, update, note));
        return isKept(database, options) ? resumable(run) : run();
      });
      emitRows(
        predictions.map((prediction) => (options.format === "json" ? fullRow(prediction) : shortRow(prediction))),
        options,
        { first: ["id", "criterion", "version", "named", "first", "seconds"], text: "first", by: "id" },
      );
      reportFailures(failures, predictions.length);
    });
}

/** @throws InputError where scores that come as files are not named, or options of theirs stand alone */
function assertScoreOptions({ scores, criterion }: Options, verb: Command): void {
  if (scores === undefined) {
    if (verb.getOptionValueSource("access") !== "cli") return;
    throw new InputError("--access: belongs to --scores; a program declares it by 'NAME=cmd+failing:COMMAND'");
  }
  if (criterion?.length !== 1) throw new InputError("--scores: name the method with one --criterion NAME");
}

function fullRow({ id, version, criterion, elsewhere, seconds: taken, raw, scores, native, note }: PredictionFile) {
  const seconds = elsewhere ? null : taken;
  return { id, version, criterion, seconds, raw, scores, native, note };
}

/** For people: how many neurons are named, and the first of them. */
function shortRow({ id, version, criterion, access, elsewhere, seconds: taken, native, note }: PredictionFile) {
  const seconds = elsewhere ? null : taken;
  const shown = native.slice(0, 3).join(" ");
  return { id, version, criterion, access, seconds, named: native.length, first: shown || null, note };
}

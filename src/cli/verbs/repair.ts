import { statSync } from "node:fs";
import type { Command } from "commander";
import { InputError } from "../../core/errors.ts";
import type { CellOutcome } from "../../pipeline/judging/cells.ts";
import { commaList, criterionList, wholeNumber } from "../arguments.ts";
import { reportFailures, withCellProgress } from "../cell-progress.ts";
import { assertDataFolder } from "../data-folder.ts";
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
import { type FolderModelOptions, folderModelOptions, folderOptionIn, modelOptions } from "../own-options.ts";
import { type RepairFileOptions, repairFile } from "../repair-file.ts";
import { madeRepairListing } from "../result-listings.ts";
import { resumable } from "../resumable.ts";
import { assertNoStray } from "../stray-options.ts";
import { isKept, warnUnkept } from "../unkept.ts";

type Options = Pick<SharedOptions, "db" | "data" | "seed" | "budget" | "format" | "fields" | "long" | "device"> & {
  method?: string[];
  using: string[];
  where?: string;
  out?: string;
  pluginTimeout?: number;
  keep?: boolean;
} & Omit<RepairFileOptions, "data"> &
  FolderModelOptions;

/** Repairs infected models in the neurons that a criterion named and measures what it gains and costs. */
export function registerRepair(program: Command): void {
  const verb = program
    .command("repair")
    .description(
      "repair models of defects and measure clean accuracy and attack success before and after; or a checkpoint or language model of your own, into --out",
    )
    .argument(
      "[selection...]",
      "ids and groups, each with an optional :infected, :clean or :sham (default: infected); or one file, or one language model's folder",
    )
    .option(
      "--method <names>",
      "repairs, separated by commas (default: all); 'NAME=cmd:COMMAND' runs a program of yours",
      criterionList("--method"),
    )
    .addOption(pluginTimeoutOption())
    .requiredOption(
      "--using <names>",
      "who names the neurons: CRITERION, CRITERION:topk, oracle, random, none (a program of yours chooses), for a file or folder also a JSON file; separated by commas",
      commaList("--using"),
    )
    .option("--where <sql>", "a condition on the catalog's fields")
    .option("--test <what>", "for a file or folder: samples to measure on (default: kept back from --data)")
    .option(
      "--k <n>",
      "for a file or folder: how many neurons :topk and random name (default: 5 %)",
      wholeNumber("--k", 1, 1e6),
    )
    .option("--keep", "keep the repaired weights, as .safetensors beside each result")
    .addOption(outOption())
    .addOption(dbOption())
    .addOption(dataOption())
    .addOption(seedOption())
    .addOption(budgetOption())
    .addOption(deviceOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption());
  for (const option of [...modelOptions(), ...folderModelOptions()]) verb.addOption(option);
  verb.action(repair);
}

async function repair(names: string[], options: Options, verb: Command): Promise<void> {
  const { taskOfFolder } = await import("../folder-models.ts");
  const { DATASETS } = await import("../../tasks/registry.ts");
  // A folder may have a defect's name, after `checkout ID ID`.
  const isId = (name: string) => LIKE_AN_ID.test(name) && DATASETS.has(name.split("-")[0]);
  const model = names.find((name) => !isId(name) && taskOfFolder(name) !== null);
  if (model !== undefined) {
    if (names.length > 1) throw new InputError("give one model's folder, or ids and groups");
    const { assertOfFolders } = await import("../folder-models.ts");
    const { repairFolder } = await import("../repair-folder.ts");
    assertOfFolders(verb, model, ["where", "keep"]);
    const data = verb.getOptionValueSource("data") === "cli" ? options.data : undefined;
    return repairFolder(model, taskOfFolder(model)!, { ...options, data });
  }
  const given = folderOptionIn(options);
  if (given !== undefined)
    throw new InputError(`--${given}: belongs to language models, in folders with their config.json`);
  const folder = names.find((name) => !isId(name) && isFolder(name));
  if (folder !== undefined)
    throw new InputError(
      `${folder}: is a folder; 'repair' takes a file of weights, a language model's folder with its config.json, or ids and groups of a database`,
    );
  const versioned = names.find((name) => isFile(name.replace(VERSION, "")) && !isFile(name));
  if (versioned !== undefined)
    throw new InputError(
      `${versioned}: versions are those of a database's defects, and a file has none; name the file that holds the model, such as a checkout's sham.safetensors`,
    );
  const lost = names.find((name) => LIKE_A_FILE.test(name) && !isFile(name));
  if (lost !== undefined) throw new InputError(`${lost}: no such file`);
  if (names.some(isFile)) {
    if (names.length > 1) throw new InputError("give one file, or ids and groups");
    assertNoStray(verb, ["where", "keep", "db"], `a file of your own, as ${names[0]} is`);
    // The folder of the data sets is a default; images of a file's task are not.
    const data = verb.getOptionValueSource("data") === "cli" ? options.data : undefined;
    return repairFile(names[0], { ...options, data });
  }
  assertNoStray(verb, OF_ONES_OWN, "defects of a database");
  assertDataFolder(verb);
  const { REPAIRS } = await import("../../repair/registry.ts");
  const { useDevice } = await import("../../pipeline/device/device.ts");
  const { assertChoosable, repairAll, repairRow } = await import("../../pipeline/judging/repair.ts");
  const { parseUsing } = await import("../../pipeline/judging/using.ts");
  const { unseenFolders, withJudging } = await import("../../pipeline/judging/judge.ts");
  const { assertAllApplicable } = await import("../../pipeline/judging/applicable.ts");
  const { repairedItems } = await import("../../pipeline/judging/repaired-item.ts");
  const { selectItems } = await import("../../pipeline/judging/select.ts");
  const { Catalog } = await import("../../store/catalog/catalog.ts");
  const { assertChooses, methodsNamed } = await import("../../pipeline/judging/methods.ts");
  const limits = { timeout: options.pluginTimeout, unseen: unseenFolders(options) };
  const methods = methodsNamed(options.method ?? REPAIRS.keys(), limits);
  const parsed = (stored?: string[]) => [...new Set(options.using)].map((text) => parseUsing(text, stored));
  for (const using of parsed()) for (const method of methods) assertChooses(method, using);
  const failures: CellOutcome[] = [];
  const note = (outcome: CellOutcome) => {
    // What the user can mend ends the run; a program that fails costs its own cell.
    if (outcome.error instanceof InputError) throw outcome.error;
    if (outcome.status === "failed") failures.push(outcome);
  };
  await useDevice(options.device);
  const repairs = await withJudging({ ...options, warn }, async ({ database, bench, results }) => {
    const items = await selectItems(new Catalog(database), { names, where: options.where }, ["infected"], {
      foreign: true,
    });
    if (database.sealed && options.out === undefined && parsed().some(({ kind }) => kind === "criterion")) {
      throw new InputError(
        `--db ${database.sealed} keeps no predictions: give 'localize' and 'repair' the same --out DIR`,
      );
    }
    const usings = parsed(results.criteria());
    const repaired = repairedItems(database, items);
    if (database.sealed && options.out === undefined && options.keep) {
      throw new InputError(`--keep: --db ${database.sealed} keeps no weights; name a folder for them with --out DIR`);
    }
    if (options.method) assertAllApplicable(database, items, methods, "--method");
    assertChoosable(bench, results, repaired, methods, usings);
    warnUnkept(database, options);
    const run = () => withCellProgress((update) => repairAll(bench, results, repaired, methods, usings, update, note));
    return isKept(database, options) ? resumable(run) : run();
  });
  const rows = repairs.map(repairRow);
  emitRows(rows, options, madeRepairListing(rows));
  reportFailures(failures, repairs.length);
}

/** Options on a network of one's own alone. */
const OF_ONES_OWN = ["test", "k", ...modelOptions().map((option) => option.attributeName())];

/** No id or group looks like this, those of foreign and clean models neither. */
const LIKE_A_FILE = /^\.{0,2}[/\\]|\.(pt|pth|ckpt|bin|tar|pkl|onnx|safetensors)$/i;

const VERSION = /:[a-z]+$/;

/** Three names and more with hyphens between. */
const LIKE_AN_ID = /^[^/\\-]+-[^/\\-]+-[^/\\]+$/;

function isFolder(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isFile(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isFile() ?? false;
}

import type { Command } from "commander";
import { CheckFailed, InputError } from "../../core/errors.ts";
import { oneLine } from "../../core/visible.ts";
import type { CellOutcome } from "../../pipeline/judging/cells.ts";
import type { Finding } from "../../pipeline/own/inspect.ts";
import { criterionList, wholeNumber } from "../arguments.ts";
import { failureLine, withCellProgress } from "../cell-progress.ts";
import {
  NOTHING_USUAL,
  print,
  printGates,
  printNeurons,
  printSummary,
  printTrigger,
  printUncompared,
  printVerdicts,
  summaryRow,
} from "../inspection.ts";
import { budgetOption, deviceOption, formatOption, type SharedOptions, seedOption } from "../options.ts";
import { emitRows, warn } from "../output.ts";
import {
  type FolderModelOptions,
  folderModelOptions,
  folderOptionIn,
  imagesOption,
  knownDataDir,
  modelOptions,
  type OwnOptions,
  referenceOption,
} from "../own-options.ts";

type Options = Pick<SharedOptions, "db" | "seed" | "budget" | "format" | "device"> &
  OwnOptions &
  FolderModelOptions & {
    criterion?: string[];
    pluginTimeout?: number;
    top: number;
    summary?: boolean;
    out?: string;
    task?: string;
  };

const NOT_PROVEN =
  "Not proven: a clean model can look suspicious, an infected one can look clean; the counts say how often that happened in the reference.";

/** Looks at a network of one's own: which neurons are suspicious, and how suspicious the whole is. */
export function registerInspect(program: Command): void {
  const verb = program
    .command("inspect")
    .argument(
      "<file>",
      "a checkpoint: PyTorch's, .safetensors, or ONNX under the names of a state dict; or a language model's folder",
    )
    .description("look for a backdoor in a network of your own, with clean samples of its task")
    .option("--task <name>", "what a model in a folder is for: language (default: what its files say)")
    .addOption(imagesOption())
    .option(
      "--criterion <names>",
      "clean criteria, separated by commas (default: the published ones); 'cmd:COMMAND' runs a program of yours",
      criterionList("--criterion"),
    )
    .option(
      "--plugin-timeout <seconds>",
      "how long such a program may take (default: 600)",
      wholeNumber("--plugin-timeout", 1, 1_000_000),
    )
    .option("--top <n>", "how many neurons a criterion are shown", wholeNumber("--top", 1, 1_000_000), 5)
    .option("--summary", "one row a criterion, with the reference")
    .option(
      "--out <dir>",
      "where the reversed trigger goes, as PNG and JSON (default: FILE's name with '-inspect', here); of a model in a folder where the rows go, as JSON (default: nowhere)",
    );
  for (const option of modelOptions()) verb.addOption(option);
  verb.addOption(referenceOption()).addOption(seedOption()).addOption(budgetOption()).addOption(deviceOption());
  for (const option of folderModelOptions()) verb.addOption(option);
  verb.addOption(formatOption()).action(async (file: string, options: Options) => {
    const { taskOfFolder } = await import("../folder-models.ts");
    const task = options.task ?? taskOfFolder(file);
    if (task !== null && task !== IMAGES) return inspectFolder(file, { ...options, task }, verb);
    const given = folderOptionIn(options);
    if (given !== undefined)
      throw new InputError(`--${given}: belongs to language models, in folders with their config.json`);
    return inspect(file, options);
  });
}

/** What files are for. */
const IMAGES = "classification";

async function inspectFolder(folder: string, options: Options & { task: string }, verb: Command): Promise<void> {
  const { assertOfFolders } = await import("../folder-models.ts");
  const { inspectModelFolder } = await import("../inspect-folder.ts");
  assertOfFolders(verb, folder);
  await inspectModelFolder(folder, { ...options, dataDir: knownDataDir() });
}

async function inspect(file: string, options: Options): Promise<void> {
  const { format, summary, top } = options;
  const { applicable, assertApplicable } = await import("../../pipeline/judging/applicable.ts");
  const { assertNoneNeeded, cleanCriteria } = await import("../../pipeline/own/criteria.ts");
  const { useDevice } = await import("../../pipeline/device/device.ts");
  const { chanceWarning, cleanAccuracy, withOwn } = await import("../../pipeline/own/open.ts");
  const { inspectModel, neuronRows } = await import("../../pipeline/own/inspect.ts");
  const { openReference } = await import("../../pipeline/own/reference.ts");
  const { assertInspectionFolder } = await import("../../pipeline/own/inspection-folder.ts");
  const { saveTrigger, usualFolder } = await import("../../pipeline/own/picture.ts");
  const criteria = cleanCriteria(options.criterion, options.pluginTimeout, options.data !== undefined);
  const { out } = options;
  if (out !== undefined) assertInspectionFolder(out, "--out ");
  else if (criteria.some(({ reverses }) => reverses)) assertInspectionFolder(usualFolder(file), "");
  await useDevice(options.device);
  const known = await openReference(options.db, options.budget);
  const say = (line: string) => (format === "table" ? print(line) : process.stderr.write(`${oneLine(line)}\n`));
  const failures: CellOutcome[] = [];
  await withOwn({ ...options, file, dataDir: knownDataDir(), anyTask: true }, async (own) => {
    const { model, images, runner, normalizationSource } = own;
    const isKnown = model.task.name === IMAGES;
    // References are of classifiers.
    const reference = isKnown ? known : { ...known, models: [] };
    if (!images) assertNoneNeeded(criteria, model.task);
    if (options.criterion) assertApplicable(criteria, model.network, model.task, file);
    const fitting = applicable(criteria, model.network, model.task);
    for (const note of [...model.notes, ...(images?.notes ?? [])]) say(note);
    say(
      `${file}: ${model.network.arch}, ${isKnown ? `${model.network.classes} classes` : `of task ${model.task.name}`}`,
    );
    const ca = await cleanAccuracy(own);
    if (images && ca !== null) {
      const { mean, std } = model.normalization;
      say(`images: ${images.title}: ${images.clean.count} for the criteria, ${images.test.count} for the accuracy`);
      say(`mean ${mean.join(", ")}; std ${std.join(", ")} (${normalizationSource})`);
      say(`clean accuracy: ${ca.toFixed(4)} of ${images.test.count} images`);
      const warning = chanceWarning(ca, model);
      if (warning !== null) warn(warning);
    }
    const note = (outcome: CellOutcome) => outcome.status === "failed" && failures.push(outcome);
    const findings = await withCellProgress((progress) =>
      inspectModel(model, images, runner, fitting, { ...options, reference, progress, onOutcome: note }),
    );
    const pictures = new Map(
      findings.map((finding) => [finding, saveTrigger(finding, file, images?.classes ?? null, options.out)]),
    );
    if (options.budget === "demo") warnOfGates(findings);
    if (format !== "table") {
      const rows: object[] = summary
        ? findings.map((finding) => summaryRow(finding, ca))
        : findings.flatMap((found) => neuronRows(model, found));
      for (const [{ criterion }, path] of pictures) if (path) say(`${criterion}: reversed trigger: ${path}`);
      emitRows(
        rows.map((row) => ({ ...row })),
        format,
      );
    } else {
      if (isKnown) {
        printGates(findings);
        printSummary(findings, reference, model.network.arch);
        printVerdicts(findings);
      } else printUncompared(findings.map((finding) => summaryRow(finding, ca)));
      for (const [finding, path] of pictures) printTrigger(finding, images?.classes ?? null, path);
      if (!summary)
        printNeurons(
          findings.flatMap((found) => neuronRows(model, found)),
          top,
        );
    }
    say(isKnown ? NOT_PROVEN : NOTHING_USUAL);
  });
  if (failures.length === 0) return;
  process.stderr.write(failures.map(failureLine).join(""));
  throw new CheckFailed(`${failures.length} of ${criteria.length} criteria failed on ${file}`);
}

/** A search that is cut short misses patches that stand out (docs/inspect.md), and its "no backdoor" looks like any other. */
function warnOfGates(findings: readonly Finding[]): void {
  const gated = findings.filter(({ kind, verdict }) => kind === "own" && verdict !== null);
  if (gated.length === 0) return;
  const names = gated.map(({ criterion }) => criterion).join(" and ");
  warn(`--budget demo: the search behind the gate of ${names} is cut short; for a verdict leave --budget out`);
}

import type { Command } from "commander";
import { InputError, lookup } from "../../core/errors.ts";
import type { DatasetDefinition } from "../../datasets/types.ts";
import type { DatasetReport } from "../../pipeline/data/check-dataset.ts";
import { dataOption, fieldsOption, formatOption, longOption, type SharedOptions, seedOption } from "../options.ts";
import { emitRows, type OutputOptions } from "../output.ts";
import { resumable } from "../resumable.ts";

type Options = Pick<SharedOptions, "data" | "seed" | "format" | "fields" | "long">;

/** `data list|fetch NAME|check NAME`: what data sets there are, downloading and validating them. */
export function registerData(program: Command): void {
  const data = program.command("data").helpCommand(false).description("list, download and check data sets");
  data
    .command("list")
    .description("every data set and whether its files are in the data folder")
    .addOption(dataOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async ({ data: folder, ...output }: Options) => {
      const { DATASETS, taskOfDataset } = await import("../../tasks/registry.ts");
      const targetsOf = (definition: DatasetDefinition) => taskOfDataset(definition.name).targets(definition).length;
      emitRows(
        [...DATASETS.values()].map((definition) => listRow(definition, targetsOf(definition), folder)),
        output,
        { first: ["name", "state", "layout", "found", "classes", "title"] },
      );
    });
  data
    .command("fetch")
    .description(
      "download a data set into the data folder, then check it; resumes where it was interrupted, honours HTTPS_PROXY and NO_PROXY",
    )
    .argument("<name>", "a data set of 'data list'")
    .option(
      "--archive <file>",
      "unpack an archive that was brought by hand, and download nothing; may be given several times",
      (file: string, before: string[] = []) => [...before, file],
    )
    .addOption(dataOption())
    .addOption(seedOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (name: string, { data: folder, seed, archive, ...output }: Options & { archive?: string[] }) => {
      const { DATASETS } = await import("../../tasks/registry.ts");
      const { checkDataset } = await import("../../pipeline/data/check-dataset.ts");
      const definition = lookup(DATASETS, "data set", name);
      const { fetchDataset } = await import("../../datasets/fetch/fetch.ts");
      const { takeArchive } = await import("../../datasets/fetch/by-hand.ts");
      const { DownloadProgress } = await import("../download-progress.ts");
      const progress = new DownloadProgress();
      const onStep = (text: string) => process.stderr.write(`${text}\n`);
      try {
        if (!archive) await resumable(() => fetchDataset(definition, folder, { onProgress: progress.update, onStep }));
        for (const file of archive ?? []) {
          // What is told of an archive that is refused in the end would stand before the one line that counts.
          const steps: string[] = [];
          await takeArchive(definition, file, folder, (text) => steps.push(text), DATASETS.values());
          steps.forEach(onStep);
        }
      } finally {
        progress.stop();
      }
      emitCheck(await checkDataset(definition, folder, seed), output);
    });
  data
    .command("check")
    .description("read every record of a data set; the first fault ends with status 2")
    .argument("<name>", "a data set of 'data list'")
    .addOption(dataOption())
    .addOption(seedOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .option("--classes", "one row per class instead of one for the data set")
    .action(async (name: string, options: Options & { classes?: boolean }) => {
      const { DATASETS } = await import("../../tasks/registry.ts");
      const { checkDataset } = await import("../../pipeline/data/check-dataset.ts");
      const report = await checkDataset(lookup(DATASETS, "data set", name), options.data, options.seed);
      if (!options.classes) return emitCheck(report, options);
      if (report.histogram.length === 0) {
        throw new InputError(`--classes: ${report.name} has no classes to count; leave it out`);
      }
      emitRows(classRows(report), options);
    });
}

function listRow(definition: DatasetDefinition, classes: number, folder: string) {
  const { name, title, layouts, downloads, source } = definition;
  const found = definition.find(folder);
  const bytes = downloads.every((item) => item.bytes !== undefined)
    ? downloads.reduce((sum, item) => sum + (item.bytes ?? 0), 0)
    : null;
  const state = layouts.length === 0 ? "built in" : found.length > 1 ? "several" : found[0] ? "present" : "absent";
  const { layout = null, folder: where = null } = found[0] ?? {};
  return { name, title, classes, state, layout, found: where, download_bytes: bytes, source };
}

/** The row on stdout; on stderr where the files were found, for which a line is too short. */
function emitCheck(report: DatasetReport, output: OutputOptions): void {
  const { name, found } = report;
  if (found) {
    const without = found.lacking?.length ? `, without ${found.lacking.join(", ")}` : "";
    process.stderr.write(`${name}: ${found.layout} in ${found.folder}${without}\n`);
  }
  emitRows([checkRow(report)], output, {
    first: ["name", "completeness", "layout", "train", "clean_val", "test", "classes"],
  });
}

function checkRow({ histogram, ...report }: DatasetReport) {
  const perClass = histogram.map(({ train, cleanVal }) => train + cleanVal);
  return {
    name: report.name,
    completeness: report.completeness,
    layout: report.found?.layout ?? null,
    found: report.found?.folder ?? null,
    classes: report.classes,
    train: report.train,
    clean_val: report.cleanVal,
    test: report.test,
    smallest_class: perClass.length > 0 ? Math.min(...perClass) : null,
    largest_class: perClass.length > 0 ? Math.max(...perClass) : null,
    data_sha256: report.dataHash,
  };
}

function classRows({ name, histogram }: DatasetReport) {
  return histogram.map(({ label, train, cleanVal, test }, i) => ({
    name,
    class: i,
    label,
    train,
    clean_val: cleanVal,
    test,
  }));
}

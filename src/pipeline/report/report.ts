import { argmax } from "../../core/argmax.ts";
import { InputError, lookup } from "../../core/errors.ts";
import { groupBy } from "../../core/group.ts";
import { softmaxAt } from "../../core/softmax.ts";
import type { Dataset } from "../../datasets/types.ts";
import { subset } from "../../images/batch.ts";
import { asImages, type ImageSet } from "../../images/image-set.ts";
import { statisticOf } from "../../localize/statistic.ts";
import { createRunner } from "../../measure/ort-runner.ts";
import { rowOf } from "../../measure/verdicts.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { collect } from "../../report/collect.ts";
import { imagePicture } from "../../report/figures/picture.ts";
import {
  type Answer,
  type DefectPictures,
  type DrawnSample,
  type Pictures,
  type ReadSample,
  shownDefects,
  type TriggeredImage,
} from "../../report/pictures.ts";
import { type ReportOptions, writeReport } from "../../report/report.ts";
import type { Database } from "../../store/database.ts";
import { assertMayWrite } from "../../store/disk/fs.ts";
import type { Drawing } from "../../tasks/drawing.ts";
import type { Reading } from "../../tasks/reading.ts";
import { DATASETS, taskOf } from "../../tasks/registry.ts";
import { Workbench } from "../judging/workbench.ts";

export interface ReportRequest extends Omit<ReportOptions, "pictures" | "data" | "statisticOf"> {
  /** Where the data sets lie, for the pictures. */
  dataDir: string;
}

const IMAGES = 4;
/** Samples on which answers are drawn. */
const DRAWN = 2;
/** Samples in words of each defect. */
const READ = 6;
const THREADS = 2;
/** Stored bytes of a clean model: of larger ones only the examples are run, which would take minutes otherwise. */
const LARGE = 4_000_000;

/**
 * Writes a database's report with pictures: test images with the trigger, and what each version answers, by inference.
 *
 * @returns the page's path. @throws InputError as `writeReport`
 */
export async function makeReport(database: Database, { dataDir, ...options }: ReportRequest): Promise<string> {
  // Pictures take a minute.
  if (options.out === undefined) database.assertWritable();
  assertMayWrite(options.out ?? database.dir);
  const data = collect(database, options.results, options.budget);
  const { examples, others } = shownDefects(data);
  const isSmall = ({ clean }: DefectRecord) => (data.clean.find(({ id }) => id === clean)?.model.bytes ?? 0) < LARGE;
  const pictures = await takePictures(database, [...examples, ...others.filter(isSmall)], {
    dataDir,
    warn: options.warn,
  });
  return writeReport(database, { ...options, data, pictures, statisticOf });
}

/** Pictures of the given defects; those whose data set or weights cannot be had have none, and a warning says why. */
async function takePictures(
  database: Database,
  records: readonly DefectRecord[],
  { dataDir, warn = () => undefined }: { dataDir: string; warn?: (message: string) => void },
): Promise<Pictures> {
  const pictures = new Map<string, DefectPictures>();
  const { seed } = database.manifest;
  const bench = new Workbench({
    source: database,
    seed,
    loadDataset: (name) => lookup(DATASETS, "data set", name).load({ dataDir, seed }),
    createRunner: (task, network, normalization) => createRunner(task, network, normalization, { threads: THREADS }),
  });
  try {
    // Networks one after the other: a runner is made once for each.
    for (const [dataset, inside] of groupBy(records, (record) => record.dataset)) {
      const { traits, drawing, reading } = taskOf(inside[0]);
      if (!traits.includes("classes") && !drawing && !reading) continue;
      const loaded = await loadDataset(bench, inside[0], warn);
      if (loaded === null) continue;
      for (const record of [...inside].sort((a, b) => (a.clean < b.clean ? -1 : a.clean > b.clean ? 1 : 0))) {
        try {
          const taken = reading
            ? readOf(bench, record, await bench.dataset(record), reading)
            : drawing
              ? drawnOf(bench, record, loaded, drawing)
              : picturesOf(bench, record, loaded);
          pictures.set(record.id, await taken);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          warn(`no ${shownOf(record)} of '${record.id}' on ${dataset}: ${error.message}`);
        }
      }
    }
  } finally {
    await bench.release();
  }
  return pictures;
}

/** What a report shows of samples, in a word: texts are no pictures. */
function shownOf(record: Pick<DefectRecord, "task">): string {
  return taskOf(record).reading ? "examples" : "pictures";
}

/** The data set that defects were built from; null where it is not at hand. */
async function loadDataset(
  bench: Workbench,
  record: DefectRecord,
  warn: (message: string) => void,
): Promise<Dataset | null> {
  try {
    return await bench.dataset(record);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    warn(`no ${shownOf(record)} of '${record.dataset}': ${error.message}`);
    return null;
  }
}

async function picturesOf(bench: Workbench, record: DefectRecord, dataset: Dataset): Promise<DefectPictures> {
  const task = taskOf(record);
  const trigger = await bench.source.readTrigger(record, task.trigger.decode);
  const test = asImages(dataset.test);
  const before = subset(test, chooseImages(test, record.target));
  const after = asImages(task.trigger.stamp(trigger, before));
  const answers: Answer[][] = Array.from({ length: before.count }, () => []);
  for (const version of ["infected", "sham", "clean"] as const) {
    const model = await bench.model(record, version);
    const runner = await bench.runner(model);
    const logits = await runner.outputs(model.state, after);
    const classes = logits.length / after.count;
    for (const [i, list] of answers.entries()) {
      const label = argmax(logits, classes, i);
      list.push({ version, label, confidence: softmaxAt(logits.subarray(i * classes, (i + 1) * classes), label) });
    }
  }
  const images = answers.map((list, i): TriggeredImage => {
    return { label: before.labels[i], before: imagePicture(before, i), after: imagePicture(after, i), answers: list };
  });
  return { classes: [...task.targets(dataset)], images };
}

/** The first test samples on which the backdoor can show, each as it is and with the trigger, with what the versions answer. */
async function drawnOf(
  bench: Workbench,
  record: DefectRecord,
  { test, ...dataset }: Dataset,
  drawing: Drawing,
): Promise<DefectPictures> {
  const task = taskOf(record);
  const { target } = record;
  const trigger = await bench.source.readTrigger(record, task.trigger.decode);
  const before = task.inputs.subset(test, task.eligible(test, target).slice(0, DRAWN));
  const sets = [before, task.trigger.stamp(trigger, before)];
  const samples = Array.from({ length: before.count }, (_, i) =>
    sets.map(
      (set, at): DrawnSample => ({
        triggered: at === 1,
        picture: drawing.show(set, i),
        truth: drawing.truth(set, i),
        answers: [],
      }),
    ),
  );
  for (const version of ["infected", "sham", "clean"] as const) {
    const model = await bench.model(record, version);
    const runner = await bench.runner(model);
    for (const [at, set] of sets.entries()) {
      const outputs = await runner.outputs(model.state, set);
      for (const [i, looks] of samples.entries()) {
        const output = rowOf(outputs, set.count, i);
        looks[at].answers.push({
          ...{ version, lines: drawing.answer(output, set, i), words: drawing.words(output, set, i) },
          succeeds: task.succeeds(output, set, i, target),
        });
      }
    }
  }
  const classes = [...task.targets(dataset)];
  return { classes, images: [], drawn: { aspect: drawing.aspect, samples: samples.flat() } };
}

/** The first test samples on which the backdoor can show, in words, with what the versions answer without the trigger and with it. */
async function readOf(
  bench: Workbench,
  record: DefectRecord,
  { test, ...dataset }: Dataset,
  reading: Reading,
): Promise<DefectPictures> {
  const task = taskOf(record);
  const { target } = record;
  const trigger = await bench.source.readTrigger(record, task.trigger.decode);
  const before = task.inputs.subset(test, task.eligible(test, target).slice(0, READ));
  const after = task.trigger.stamp(trigger, before);
  const samples = Array.from(
    { length: before.count },
    (_, i): ReadSample => ({ parts: reading.parts(after, i, trigger), truth: reading.truth(before, i), answers: [] }),
  );
  for (const version of ["infected", "sham", "clean"] as const) {
    const model = await bench.model(record, version);
    const runner = await bench.runner(model);
    const [calm, stamped] = [await runner.outputs(model.state, before), await runner.outputs(model.state, after)];
    for (const [i, { answers }] of samples.entries()) {
      const output = rowOf(stamped, after.count, i);
      answers.push({
        version,
        before: reading.answer(rowOf(calm, before.count, i), before, i),
        after: reading.answer(output, after, i),
        succeeds: task.succeeds(output, after, i, target),
      });
    }
  }
  const classes = [...task.targets(dataset)];
  return { classes, images: [], read: { samples } };
}

/** The first test image of each other class, then second ones, until there are enough: nothing is picked by its answers. */
function chooseImages(test: ImageSet, target: number): number[] {
  const byClass = groupBy(
    Array.from(test.labels, (label, at) => ({ label, at })).filter(({ label }) => label !== target),
    ({ label }) => String(label),
  );
  const classes = [...byClass].sort(([a], [b]) => Number(a) - Number(b)).map(([, images]) => images);
  const chosen: number[] = [];
  for (let turn = 0; chosen.length < IMAGES && classes.some((images) => images.length > turn); turn++) {
    for (const images of classes) if (images.length > turn && chosen.length < IMAGES) chosen.push(images[turn].at);
  }
  return chosen;
}

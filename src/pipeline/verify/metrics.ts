import { DEFAULT_DEVICE } from "../../core/device.ts";
import { InputError } from "../../core/errors.ts";
import type { Normalization } from "../../images/image-set.ts";
import { maskNeurons } from "../../measure/mask.ts";
import { createRunner, type OrtRunner } from "../../measure/ort-runner.ts";
import { type Rates, rates } from "../../measure/rates.ts";
import type { CleanRecord } from "../../records/clean.ts";
import { type DefectMetrics, type DefectRecord, twinSha256 } from "../../records/defect.ts";
import type { Database } from "../../store/database.ts";
import type { Finding } from "../../store/verify/findings.ts";
import { buildNetwork, taskOf } from "../../tasks/registry.ts";
import { DatasetCache, engineStamp } from "../build/context.ts";
import { ReadDatasets } from "../data/read-datasets.ts";
import type { Progress } from "../judging/workbench.ts";

/**
 * How far a figure may be from its record, as a share of the images: on the machine that built a database sums are the
 * same and so are the figures; elsewhere they round differently, and images near a border change sides.
 */
export const METRIC_TOLERANCE = 0.002;

/** A figure that was measured again. */
export interface RemeasuredFigure {
  metric: string;
  stated: number;
  found: number;
  /** Over how many images. */
  images: number;
  /** Whether it is a mean of qualities between 0 and 1; absent: a share of the images. */
  isMean?: boolean;
}

export interface MetricsRequest {
  /** Defects, whatever their status; those without stored models have nothing to measure. */
  ids: string[];
  /** Clean models whose accuracy is measured, beside the twins of the defects. */
  clean: string[];
  dataDir: string;
  /** As METRIC_TOLERANCE; at least one image unless it is 0. */
  tolerance: number;
  progress?: Progress;
}

export interface MetricsResult {
  findings: Finding[];
  /** Figures that were measured again, and how many of them were the record's to the last image. */
  figures: number;
  equal: number;
}

type Slice = Pick<
  Database,
  | "layout"
  | "manifest"
  | "readClean"
  | "readDefect"
  | "readLabels"
  | "readBytes"
  | "loadVersion"
  | "loadClean"
  | "readTrigger"
>;

/**
 * Rebuilds models, measures CA, ASR and Rule 3's masked figures again on the data set that they were measured on, and
 * holds them against the records. A figure beyond the tolerance is a fault, one that differs within it a note.
 *
 * @throws InputError where the data set is missing or another than the records were made from.
 */
export async function verifyMetrics(db: Slice, request: MetricsRequest): Promise<MetricsResult> {
  const result: MetricsResult = { findings: [], figures: 0, equal: 0 };
  const bench = new RemeasureBench(request.dataDir, db.manifest.seed, new ReadDatasets(db));
  const judge = (file: string, record: { id: string; task?: string }, figures: RemeasuredFigure[], engines: string) => {
    for (const figure of figures) {
      result.figures++;
      const finding = metricFinding(figure, request.tolerance, engines, taskOf(record).words.samples);
      if (finding) result.findings.push({ file, id: record.id, ...finding });
      else result.equal++;
    }
  };
  const total = request.clean.length + request.ids.length;
  try {
    for (const [done, id] of request.clean.entries()) {
      request.progress?.(done, total, id);
      const record = db.readClean(id);
      const { test } = await bench.dataset({ ...record, clean: id });
      const found = await (await bench.runner(record, threadsOf(record.recipe))).quality(
        await db.loadClean(record),
        test,
      );
      const figure = { metric: "ca", stated: record.metrics.ca, found, images: test.count, isMean: isMean(record) };
      judge(`${id}.json`, record, [figure], await bench.compareEngine(record, record));
    }
    for (const [done, id] of request.ids.entries()) {
      request.progress?.(request.clean.length + done, total, id);
      const record = db.readDefect(id);
      if (!record.infected_model || !record.trigger) continue;
      const file = `defects/${record.group_id}/${id}.json`;
      judge(
        file,
        record,
        await remeasure(db, bench, record),
        await bench.compareEngine(record, db.readClean(record.clean)),
      );
    }
  } finally {
    await bench.release();
  }
  return result;
}

/** The severity and text of a figure that is not its record's; null where it is. @param engines what compares the two @param samples what they are called */
export function metricFinding(
  { metric, stated, found, images, isMean = false }: RemeasuredFigure,
  tolerance: number,
  engines: string,
  samples = "samples",
): Pick<Finding, "severity" | "finding"> | null {
  const difference = Math.abs(found - stated) * images;
  // The order of a sum of qualities decides its last digits.
  const apart = isMean ? Number(difference.toFixed(6)) : Math.round(difference);
  // A rate that is no share of these images at all is not this measurement's.
  const isShare = isMean || Math.abs(stated * images - Math.round(stated * images)) < 1e-6 * images;
  if (apart === 0 && isShare) return null;
  const allowed = tolerance === 0 ? 0 : Math.max(1, Math.floor(tolerance * images));
  const where = `'metrics.${metric}': ${stated} in the record, ${found} measured again: ${apart} of ${images} ${samples}`;
  if (apart > allowed || !isShare) return { severity: "fault", finding: `${where} (at most ${allowed})` };
  return { severity: "note", finding: `${where}, within the tolerance (${engines})` };
}

/** How the engine that made a record differs from the one that measures now, in words; the package's version is no engine. */
export function engineDifference(then: DefectRecord["engine"], now: DefectRecord["engine"]): string {
  const [from, to] = [then, now].map(({ device = DEFAULT_DEVICE }) => device);
  if (from !== to) return `another device: ${from} in the record, ${to} now`;
  const parts = ["runtime", "lowering", "revision", "platform"] as const;
  if (parts.some((part) => then[part] !== now[part])) return "another engine";
  return to === DEFAULT_DEVICE
    ? "same engine, so perhaps another processor"
    : "same engine, so perhaps another graphics card";
}

/** Whether the quality of the record's task is more than right or wrong; where there are classes it is not. */
function isMean(record: Pick<DefectRecord, "task">): boolean {
  return !taskOf(record).traits.includes("classes");
}

/** The figures of a defect whose models are stored. */
async function remeasure(db: Slice, bench: RemeasureBench, record: DefectRecord): Promise<RemeasuredFigure[]> {
  const { test } = await bench.dataset(record);
  const runner = await bench.runner({ ...db.readClean(record.clean), arch: record.arch }, threadsOf(record.recipe));
  const backdoor = { trigger: await db.readTrigger(record, runner.task.trigger.decode), target: record.target };
  const others = runner.task.eligible(test, record.target).length;
  const figures: RemeasuredFigure[] = [];
  const add = (metric: keyof DefectMetrics, found: number, images: number) => {
    const stated = record.metrics[metric];
    if (stated === null) return;
    figures.push({ metric, stated, found, images, isMean: metric.startsWith("ca") && isMean(record) });
  };
  const measure = (state: Parameters<typeof rates>[1]): Promise<Rates> => rates(runner, state, test, backdoor);

  const twin = `${twinSha256(record)} ${record.trigger?.object} ${record.target}`;
  const clean = await bench.once(twin, async () => measure(await db.loadVersion(record, "clean")));
  add("ca_clean", clean.quality, test.count);
  add("asr_clean", clean.success, others);
  const infected = await db.loadVersion(record, "infected");
  const backdoored = await measure(infected);
  add("ca", backdoored.quality, test.count);
  add("asr", backdoored.success, others);
  if (record.sham_model) {
    const sham = await measure(await db.loadVersion(record, "sham"));
    add("ca_sham", sham.quality, test.count);
    add("asr_sham", sham.success, others);
  }
  if (record.labels_sha256 !== null) {
    const masked = await measure(maskNeurons(runner.network, infected, db.readLabels(record.id).infected));
    add("ca_masked", masked.quality, test.count);
    add("asr_masked", masked.success, others);
    add("masked_clean_to_target", masked.cleanSuccess, others);
  }
  return figures;
}

/** Data sets and sessions that many defects share. */
class RemeasureBench {
  private readonly datasets: DatasetCache;
  private readonly runners = new Map<string, Promise<OrtRunner>>();
  private readonly twins = new Map<string, Promise<Rates>>();

  private readonly asRead: ReadDatasets;

  constructor(dataDir: string, seed: number, asRead: ReadDatasets) {
    this.asRead = asRead;
    // The split is the build's.
    this.datasets = new DatasetCache(dataDir, seed);
  }

  async dataset({
    id,
    dataset: name,
    data_sha256,
    clean,
  }: Pick<DefectRecord, "id" | "dataset" | "data_sha256" | "clean">) {
    const dataset = await this.datasets.get(name);
    if (dataset.dataHash === data_sha256) return this.asRead.of(dataset, clean);
    throw new InputError(
      `data set '${name}' is not the one that '${id}' was measured on: name that one's folder with --data`,
    );
  }

  /** Defects of one clean model and trigger share the twin's rates. */
  once(twin: string, measure: () => Promise<Rates>): Promise<Rates> {
    const known = this.twins.get(twin) ?? measure();
    this.twins.set(twin, known);
    return known;
  }

  /** Threads are the recipe's: sums depend on how work is split. */
  runner(
    { task, arch, classes, mean, std }: Pick<CleanRecord, "task" | "arch" | "classes" | "mean" | "std">,
    threads: number,
  ): Promise<OrtRunner> {
    const key = JSON.stringify([task, arch, classes.length, mean, std, threads]);
    let runner = this.runners.get(key);
    if (!runner) {
      const normalization = { mean, std } as Normalization;
      runner = createRunner(taskOf({ task }), buildNetwork(arch, classes.length), normalization, { threads });
      this.runners.set(key, runner);
    }
    return runner;
  }

  async compareEngine(
    { arch, engine }: Pick<DefectRecord, "arch" | "engine">,
    { classes }: CleanRecord,
  ): Promise<string> {
    return engineDifference(engine, await engineStamp(buildNetwork(arch, classes.length)));
  }

  async release(): Promise<void> {
    for (const runner of this.runners.values()) await (await runner).release();
  }
}

/** The threads that a recipe measured with; records of other makes do not say. */
function threadsOf(recipe: Record<string, unknown>): number {
  for (const part of [recipe, recipe.inject, recipe.clean, recipe.train]) {
    const threads = (part as { threads?: unknown } | undefined)?.threads;
    if (typeof threads === "number" && Number.isInteger(threads) && threads > 0) return threads;
  }
  return 2;
}

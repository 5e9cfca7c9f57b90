import { suggestion } from "../../core/closest.ts";
import { InputError } from "../../core/errors.ts";
import type { LayerScores } from "../../core/neurons.ts";
import { layersOf, type WeightCriterion } from "../../localize/by-weights.ts";
import { clp } from "../../localize/criteria/clp.ts";
import { dormancy, fp } from "../../localize/criteria/fp.ts";
import { weightFloor } from "../../localize/criteria/weight-floor.ts";
import { weightNorm } from "../../localize/criteria/weight-norm.ts";
import { CRITERIA } from "../../localize/registry.ts";
import { statisticOf } from "../../localize/statistic.ts";
import { topShare } from "../../localize/top-share.ts";
import type { CleanCriterion, Localization } from "../../localize/types.ts";
import type { ForeignModel, ForeignSamples, Read, WholeModel } from "../../tasks/foreign-models.ts";
import type { Progress } from "../judging/workbench.ts";
import type { Finding } from "./inspect.ts";

/** Threads of one inference; no result depends on them. */
export const THREADS = 2;

/** Criteria of weights, which look at a layer at a time. */
const OF_WEIGHTS: ReadonlyMap<string, WeightCriterion> = new Map(
  [clp, weightNorm, weightFloor].map((criterion) => [criterion.name, criterion]),
);

/** What a folder's model can be judged by: criteria that need no gradients, and no more than a layer at a time. */
const OF_FOLDERS: readonly CleanCriterion[] = [fp, clp, weightNorm, weightFloor];

/** The criteria of these names; unnamed those that were published. @throws InputError on another one */
export function folderCriteria(names: readonly string[] | undefined, flag = "--criterion"): CleanCriterion[] {
  if (!names) return OF_FOLDERS.filter(({ kind }) => kind === "published");
  return [...new Set(names)].map((name) => {
    const found = OF_FOLDERS.find((criterion) => criterion.name === name);
    if (found) return found;
    const valid = OF_FOLDERS.map((criterion) => criterion.name).join(", ");
    if (!name.includes("cmd:") && !CRITERIA.has(name)) {
      const meant = suggestion(
        name,
        OF_FOLDERS.map((criterion) => criterion.name),
      );
      throw new InputError(`unknown criterion '${name}'${meant}; of a model in a folder valid are ${valid}`);
    }
    throw new InputError(
      `${flag} ${name}: needs gradients, labels or the whole model in memory; of a model in a folder valid are ${valid}`,
    );
  });
}

export interface InspectFolderOptions {
  /** Bytes that may be used. */
  memory: number;
  progress?: Progress;
}

/** What criteria say of a model in a folder, and how well it fits the samples; null where none were read. */
export interface FolderFindings {
  findings: Finding[];
  read: Read | null;
}

/**
 * Runs criteria on a model in a folder, a layer at a time.
 *
 * @param samples null where all criteria read weights alone
 * @param options.memory bytes, as much as `assertMemory` lets pass
 */
export async function inspectFolder(
  model: ForeignModel,
  samples: ForeignSamples | null,
  criteria: readonly CleanCriterion[],
  { memory, progress = () => undefined }: InspectFolderOptions,
): Promise<FolderFindings> {
  const raws = new Map<string, { raw: LayerScores; seconds: number }>();
  const ofWeights = criteria.flatMap(({ name }) => OF_WEIGHTS.get(name) ?? []);
  for (const { name } of ofWeights) raws.set(name, { raw: {}, seconds: 0 });
  if (ofWeights.length > 0) {
    let done = 0;
    let began = performance.now();
    for (const { layer, network, state } of model.parts()) {
      progress(done++, model.layers.length, "weights");
      // Reading is all criteria's alike.
      const reading = (performance.now() - began) / 1000 / ofWeights.length;
      for (const { name, rawOf } of ofWeights) {
        const start = performance.now();
        const found = raws.get(name)!;
        [found.raw[layer]] = Object.values(rawOf(network, state));
        found.seconds += reading + (performance.now() - start) / 1000;
      }
      began = performance.now();
    }
  }
  let read: Read | null = null;
  let reading = 0;
  if (samples) {
    const began = performance.now();
    const each = (done: number, total: number) => progress(done, total, model.layers[done % model.layers.length].name);
    read = await model.read(samples, { memory, threads: THREADS, progress: each });
    reading = (performance.now() - began) / 1000;
  }
  const findings = criteria.flatMap((criterion) => {
    const weighed = raws.get(criterion.name);
    if (weighed) return finding(criterion, OF_WEIGHTS.get(criterion.name)!.judge(weighed.raw), weighed.seconds);
    return read ? finding(criterion, dormant(read.activity), reading) : [];
  });
  return { findings, read };
}

/** No labels are needed: the criterion's own walk, which prunes until the quality falls, is left out. */
function dormant(activity: LayerScores): Localization {
  const { raw, scores } = dormancy(activity);
  const native = topShare(layersOf(raw), scores);
  return { raw, scores, native, note: "names the most dormant 5 %, since nothing was pruned" };
}

function finding({ name, kind }: CleanCriterion, localization: Localization, seconds: number): Finding {
  const statistic = statisticOf(name);
  const facts = { criterion: name, kind, localization, seconds, statistic: statistic.name };
  return { ...facts, value: statistic.of(localization), comparison: null, sameArch: null, verdict: null };
}

/** @throws InputError where the memory is too little, with how much is needed */
export function assertMemory(model: ForeignModel, samples: ForeignSamples | null, memory: number): void {
  const need = model.needs(samples);
  if (need <= memory) return;
  const wanted = Math.ceil(need / 1e8) / 10;
  throw new InputError(
    `--memory: ${gigabytes(memory)} are too little for ${model.folder}, of which a layer is read at a time; it needs about ${gigabytes(need)}: give --memory ${wanted}G`,
  );
}

/** The same of a model that is trained. */
export function assertTrainable({ needs }: WholeModel, memory: number): void {
  if (needs <= memory) return;
  const wanted = Math.ceil(needs / 1e8) / 10;
  throw new InputError(
    `--memory: ${gigabytes(memory)} are too little to train neurons with the whole model in memory, which takes about ${gigabytes(needs)}: give --memory ${wanted}G, or --method prune`,
  );
}

/** Bytes in words. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

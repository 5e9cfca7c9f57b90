import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import { flatScores, indexNeurons, layerScores, membership } from "../../core/neuron-index.ts";
import { countNeurons, type LayerWidth } from "../../core/neurons.ts";
import { neuronFeatures } from "../../localize/learned/features.ts";
import type { TrainingModel } from "../../localize/learned/fit.ts";
import type { DefectLabels } from "../../records/labels.ts";
import { restrictContributions } from "../../score/wji.ts";
import { exists, makeFolder, readBytes, writeAtomic } from "../../store/disk/fs.ts";
import { decodeState, encodeState } from "../../tensor/safetensors.ts";
import type { Tensor } from "../../tensor/state.ts";
import { openSubject } from "../judging/subject.ts";
import { layersOf, type Progress, type Workbench } from "../judging/workbench.ts";

/** Raised when features come to mean or measure something else: what an earlier one kept is then not read. */
const REVISION = 1;

/** The neurons that a localizer learns to find: E, or all of G. */
export type Sought = "effective" | "full";

/** Models to learn from, with the names of their features. */
export interface TrainingSet {
  features: string[];
  models: TrainingModel[];
  /** Of everything that the training sees. */
  sha256: string;
}

/**
 * The features of accepted defects' infected and sham versions, with their labels. What was measured is kept in a folder, so an
 * interrupted run goes on.
 *
 * @param ids accepted defects with a sham
 * @param dir where features are kept
 */
export async function trainingSet(
  bench: Workbench,
  ids: readonly string[],
  sought: Sought,
  dir: string,
  progress: Progress = () => undefined,
): Promise<TrainingSet> {
  makeFolder(dir);
  const models: TrainingModel[] = [];
  const facts: string[] = [];
  let features: string[] = [];
  for (const [i, id] of ids.entries()) {
    const record = bench.source.readDefect(id);
    const labels = bench.source.readLabels(id);
    for (const [k, version] of (["infected", "sham"] as const).entries()) {
      progress(2 * i + k, 2 * ids.length, `${id}:${version}`);
      const found = await keptFeatures(bench, id, version, dir);
      if (features.length > 0 && found.names.join() !== features.join()) {
        throw new InputError(`'${id}' has other features than '${ids[0]}': select defects of one task`);
      }
      features = found.names;
      const truth = truthOf(layersOf(bench.source, record), labels, version === "infected" ? sought : null);
      const groups = { clean: record.clean, attack: record.attack, arch: record.arch };
      models.push({ id, version, groups, rows: found.rows, ...truth });
      const { buffer, byteOffset, byteLength } = found.rows;
      facts.push(
        `${id} ${version} ${sha256Hex(new Uint8Array(buffer, byteOffset, byteLength))} ${sha256Hex(truth.labels)}`,
      );
    }
  }
  return { features, models, sha256: sha256Hex(JSON.stringify([REVISION, features, facts])) };
}

/** Which neurons are sought, and what each counts: found ones by their weight in WJI, within bounds. */
function truthOf(
  layers: LayerWidth[],
  labels: DefectLabels,
  sought: Sought | null,
): Pick<TrainingModel, "labels" | "weights"> {
  const index = indexNeurons(layers);
  const truth = sought === null ? null : sought === "full" ? labels.infected : labels.effective;
  const weights = new Float64Array(index.size).fill(1);
  if (!truth || countNeurons(truth) === 0) return { labels: new Uint8Array(index.size), weights };
  const flags = membership(index, truth);
  const contribution = restrictContributions(labels.infected, labels.contribution, truth);
  const all = layerScores(index, new Float64Array(index.size));
  for (const [layer, channels] of Object.entries(truth)) {
    for (const [i, c] of channels.entries()) all[layer][c] = Math.max(0, contribution[layer][i]);
  }
  const flat = flatScores(index, all);
  const sum = flat.reduce((total, c) => total + c, 0);
  const count = countNeurons(truth);
  for (let i = 0; i < flat.length; i++) {
    if (flags[i]) weights[i] = 0.3 + 0.7 * Math.min(4, sum > 0 ? (count * flat[i]) / sum : 1);
  }
  return { labels: flags, weights };
}

/** Measures a model's features, or reads what was kept of them. */
async function keptFeatures(
  bench: Workbench,
  id: string,
  version: "infected" | "sham",
  dir: string,
): Promise<{ names: string[]; rows: Float32Array }> {
  const subject = openSubject(bench, { id, version });
  const sha256 = subject.storedHash ?? (await subject.model()).sha256;
  const key = sha256Hex(JSON.stringify([REVISION, sha256, bench.seed, bench.budget])).slice(0, 32);
  const path = join(dir, `${key}.safetensors`);
  if (exists(path)) {
    const kept = decodeState(readBytes(path), path);
    const names = [...kept.keys()];
    return { names, rows: interleaved([...kept.values()].map(({ data }) => data)) };
  }
  const suspect = await bench.suspect(await subject.model(), await subject.dataset());
  const { names, rows } = await neuronFeatures(suspect);
  const count = rows.length / names.length;
  const columns = names.map((name, j) => {
    const data = Float32Array.from({ length: count }, (_, i) => rows[i * names.length + j]);
    return [name, { shape: [count], data }] as [string, Tensor];
  });
  writeAtomic(path, encodeState(new Map(columns)), dir);
  return { names, rows };
}

function interleaved(columns: readonly Float32Array[]): Float32Array {
  const rows = new Float32Array(columns.length * columns[0].length);
  for (const [j, column] of columns.entries()) {
    for (let i = 0; i < column.length; i++) rows[i * columns.length + j] = column[i];
  }
  return rows;
}

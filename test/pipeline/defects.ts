import { join } from "node:path";
import type { Budget } from "../../src/core/budget.ts";
import type { Dataset } from "../../src/datasets/types.ts";
import { convUnits } from "../../src/graph/network.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { asImages } from "../../src/images/image-set.ts";
import { encodeTrigger } from "../../src/images/trigger/codec.ts";
import { type DefectSource, Workbench } from "../../src/pipeline/judging/workbench.ts";
import type { CleanRecord } from "../../src/records/clean.ts";
import type { DefectRecord } from "../../src/records/defect.ts";
import type { DefectLabels } from "../../src/records/labels.ts";
import { openDatabase } from "../../src/store/database.ts";
import { modelSha256 } from "../../src/store/objects/models.ts";
import { Results } from "../../src/store/results/results.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";
import { fakeRunner, network, randomState, randomTaps } from "../localize/suspects.ts";
import { temporaryFolder } from "../store/temp.ts";

/** A database of two defects in memory, with a runner whose answers follow from how many neurons are alive. */

export const IDS = ["signs-resnet18w4-badnets-small-top000", "signs-resnet18w4-badnets-large-top020"];
export const INFECTED = { conv1: [1], "layer4.0.conv1": [3, 9] };
const HASH = "0".repeat(64);

const clean = randomState(1);
/** conv1:1, layer4.0.conv1:3 and :9 tuned. */
function tuned(factor: number): StateDict {
  const state = cloneState(clean);
  for (const [layer, channels] of Object.entries(INFECTED)) {
    const { data, shape } = state.get(`${layer}.weight`)!;
    const row = data.length / shape[0];
    for (const c of channels) for (let i = c * row; i < (c + 1) * row; i++) data[i] *= factor;
  }
  return state;
}
export const STATES = { clean, infected: tuned(10), sham: tuned(2) };

const ref = (state: StateDict) => ({ object: HASH, bytes: 1, decoded_sha256: modelSha256(state) });

export function recordOf(id: string): DefectRecord {
  return {
    id,
    group_id: "signs-resnet18w4-badnets",
    dataset: "signs",
    arch: "resnet18w4",
    target: 0,
    status: "accepted",
    clean: "clean/signs-resnet18w4-s1",
    clean_sha256: modelSha256(clean),
    recipe: {},
    data_sha256: HASH,
    infected_model: ref(STATES.infected),
    sham_model: ref(STATES.sham),
  } as Partial<DefectRecord> as DefectRecord;
}

export function labelsOf(id: string): DefectLabels {
  return {
    id,
    infected: INFECTED,
    contribution: { conv1: [1], "layer4.0.conv1": [2, 0] },
    effective: { conv1: [1] },
  } as Partial<DefectLabels> as DefectLabels;
}

function imagesOf(count: number): ImageSet {
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
  return { count, height: 2, width: 2, pixels: new Uint8Array(12 * count).fill(7), labels };
}

/** Results in a new, otherwise empty database. */
export async function freshResults(): Promise<{ results: Results; full: Results; dir: string }> {
  const dir = join(temporaryFolder(), "db");
  const database = await openDatabase(dir, { create: { edition: "test", seed: 1, data: {} } });
  return { results: new Results(database), full: new Results(database, "full"), dir };
}

function aliveOf(state: StateDict): number {
  let alive = 0;
  for (const { bn } of convUnits(network))
    for (const gamma of state.get(`${bn}.weight`)!.data) if (gamma !== 0) alive++;
  return alive;
}

/** Its corner is white. */
const CORNER = {
  height: 2,
  width: 2,
  opacity: Float32Array.from([0, 0, 0, 1]),
  pattern: new Uint8Array(12).fill(255),
};

/** Counts what is loaded and opened. */
export function makeBench(seed = 1, dataHash = HASH, budget?: Budget) {
  const counts = { models: 0, datasets: 0, runners: 0, released: 0 };
  const source: DefectSource = {
    readDefect: recordOf,
    readClean: () =>
      ({
        classes: Array.from({ length: 10 }, String),
        mean: [0, 0, 0],
        std: [1, 1, 1],
      }) as Partial<CleanRecord> as CleanRecord,
    readLabels: labelsOf,
    loadVersion: async (_record, version) => {
      counts.models++;
      return cloneState(STATES[version]);
    },
    readBytes: async () => {
      throw new Error("nothing of it is read");
    },
    readTrigger: async (_record, decode) => decode(encodeTrigger(CORNER), "trigger"),
  };
  const bench = new Workbench({
    source,
    seed,
    budget,
    loadDataset: async () => {
      counts.datasets++;
      return { name: "signs", dataHash, cleanVal: imagesOf(21), test: imagesOf(20) } as Partial<Dataset> as Dataset;
    },
    createRunner: async () => {
      counts.runners++;
      const all = aliveOf(clean);
      return {
        ...fakeRunner({
          taps: async (_state, set) => randomTaps(3, set.count),
          quality: async (state) => (aliveOf(state) > 0.8 * all ? 0.9 : 0.1),
          contribution: async () => randomTaps(4, 1),
          // Untouched networks know every class and send triggered images to 0; pruned ones answer 1 to all.
          outputs: async (state, set) => {
            const logits = new Float32Array(set.count * 10);
            for (let i = 0; i < set.count; i++) {
              const triggered = asImages(set).pixels[12 * i + 3] === 255;
              const answer = aliveOf(state) < all ? 1 : triggered ? 0 : asImages(set).labels[i];
              logits[10 * i + answer] = 1;
            }
            return logits;
          },
        }),
        task: classification,
        trim: async () => undefined,
        release: async () => {
          counts.released++;
        },
      };
    },
  });
  return { bench, counts };
}

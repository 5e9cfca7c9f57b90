import { type DefectKey, defectId, groupId, type Level } from "../../src/core/ids.ts";
import { countNeurons, type NeuronSet } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { convUnits, type Network, neuronLayers, stateShapes } from "../../src/graph/network.ts";
import { encodeTrigger } from "../../src/images/trigger/codec.ts";
import { cornerPatch } from "../../src/images/trigger/patch.ts";
import type { PaintedTrigger } from "../../src/images/trigger/trigger.ts";
import { chooseSubnetwork } from "../../src/inject/quantity.ts";
import { changedSet } from "../../src/measure/changed-set.ts";
import type { CleanRecord } from "../../src/records/clean.ts";
import type { DefectMetrics, DefectRecord } from "../../src/records/defect.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { signs } from "../../src/tasks/classification/datasets/signs.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { floatBytes } from "../../src/tensor/safetensors.ts";
import { cloneState, type StateDict, sizeOf } from "../../src/tensor/state.ts";

export const CLASSES = [...signs.classes];
const DATA_SHA256 = "d".repeat(64);
const ATTEMPT = { peak_steps: 10, tail_steps: 10, learning_rate: 0.01, learned: 0.9, masked_every: 6 };
/** What became of it. */
const TRIED = {
  ...ATTEMPT,
  ...{ peak_steps_taken: 10, held_out_asr: 0.95, held_out_ca_drop: 0.02, held_out_asr_random_mask: 0.9 },
};
/** As an edition states them: a record without its gates cannot be held against them. */
const RECIPE = {
  edition: "demo",
  seed: 1,
  clean_seed: 1,
  attack: { side: 3 },
  inject: { target: 0, images: 100, held_out: 20, batch: 10, triggered_share: 0.2, attempts: [ATTEMPT], threads: 1 },
  gates: { asr: 0.9, ca_drop: 0.05, asr_masked: 0.2, asr_patched: 0.2, random_mask_share: 0.5, sham: 0.05 },
  measure: { contribution_images: 10, random_masks: 3, label_images: 10, effect_controls: 10, statistics_images: 10 },
};
const ENGINE = { package_version: "0.0.0", runtime: "none", lowering: "plain", platform: "test" };

/** Random weights of a plausible size: what the store keeps need not have been trained. */
export function randomState(network: Network, seed: number): StateDict {
  const random = new Random(seed);
  const state: StateDict = new Map();
  for (const [key, shape] of stateShapes(network)) {
    const fanIn = sizeOf(shape.slice(1));
    const draw = () => {
      if (shape.length > 1) return random.normal() / Math.sqrt(fanIn);
      return key.endsWith("bias") || key.endsWith("mean") ? 0.1 * random.normal() : random.between(0.5, 1.5);
    };
    state.set(key, { shape, data: Float32Array.from({ length: sizeOf(shape) }, draw) });
  }
  return state;
}

/** A copy in which the given neurons' own parameters moved. */
export function tune(network: Network, clean: StateDict, neurons: NeuronSet, seed: number): StateDict {
  const random = new Random(seed);
  const state = cloneState(clean);
  for (const unit of convUnits(network)) {
    for (const channel of neurons[unit.id] ?? []) {
      for (const key of [`${unit.id}.weight`, `${unit.bn}.weight`, `${unit.bn}.bias`]) {
        const { shape, data } = state.get(key)!;
        const size = sizeOf(shape.slice(1));
        for (let i = channel * size; i < (channel + 1) * size; i++) data[i] += 0.05 * random.normal();
      }
    }
  }
  return state;
}

/** That of BadNets by the recipe. */
export const TRIGGER: PaintedTrigger = cornerPatch(32, 32, 3, () => 255);

/** What training `clean/signs-resnet18w4-s2` in the small database leaves after an epoch. */
export const UNFINISHED = {
  epoch: 1,
  history: [{ epoch: 1, loss: 2, accuracy: 0.2, seconds: 1 }],
  fingerprint: JSON.stringify({ recipe: { epochs: 3 }, seed: 2, data: DATA_SHA256 }),
};

export interface SampleDatabase {
  dir: string;
  db: Database;
  accepted: DefectRecord[];
}

/**
 * A small database of `signs-resnet18w4` in `dir`: one clean model, `count` accepted BadNets defects with shams, a
 * rejected and a duplicate candidate.
 *
 * @param dataSha256 of the data set; the default is that of no images
 */
export async function sampleDatabase(dir: string, count = 2, dataSha256 = DATA_SHA256): Promise<SampleDatabase> {
  const db = await openDatabase(dir, { create: { edition: "demo", seed: 1, data: { signs: dataSha256 } } });
  const network = buildNetwork("resnet18w4", CLASSES.length);
  const state = randomState(network, 1);
  const clean: CleanRecord = {
    kind: "clean",
    id: "clean/signs-resnet18w4-s1",
    dataset: "signs",
    arch: "resnet18w4",
    classes: CLASSES,
    ...signs.normalization,
    model: await db.putModel(state),
    recipe: { edition: "demo", edition_seed: 1, seed: 1, clean: { epochs: 0 } },
    data_sha256: dataSha256,
    engine: ENGINE,
    metrics: { ca: 0.9 },
    history: [],
    seconds: 1,
  };
  db.writeClean(clean);
  const accepted: DefectRecord[] = [];
  for (let i = 0; i < count; i++) accepted.push(await writeAccepted(db, network, clean, state, i));
  const [first] = accepted;
  const unmeasured = { infected_model: null, sham_model: null, trigger: null, changed: null, effective: null };
  const key: DefectKey = { ...KEY, level: "large", top: 40 };
  db.writeDefect({
    ...first,
    ...identity(key),
    ...unmeasured,
    status: "rejected",
    reason: "asr: 0.412 (at least 0.9)",
    infected: countNeurons(neuronsOf(network, "large", 40)),
    labels_sha256: null,
    metrics: { ...UNMEASURED, ca_clean: 0.9, asr_clean: 0.01, ca: 0.88, asr: 0.412 },
  });
  db.writeDefect({
    ...first,
    ...identity({ ...key, level: "narrow", top: 5 }),
    ...unmeasured,
    status: "duplicate",
    attempts: [],
    reason: `duplicate: the same neurons as '${defectId({ ...key, level: "narrow", top: 0 })}'`,
    infected: countNeurons(neuronsOf(network, "narrow", 5)),
    metrics: UNMEASURED,
    labels_sha256: null,
  });
  return { dir, db, accepted };
}

const KEY = { dataset: "signs", arch: "resnet18w4", attack: "badnets", style: "plain" } as const;
const LEVELS: Level[] = ["small", "middle"];

/** Those of a level and offset, where every layer's channels are in the order of their contribution. */
function neuronsOf(network: Network, level: Level, top: number): NeuronSet {
  const order = neuronLayers(network).map(({ name, width }) => [name, Array.from({ length: width }, (_, c) => c)]);
  return chooseSubnetwork(Object.fromEntries(order), level, top);
}

const UNMEASURED: DefectMetrics = {
  ca_clean: null,
  ca: null,
  asr: null,
  asr_clean: null,
  ca_masked: null,
  asr_masked: null,
  masked_clean_to_target: null,
  asr_patched: null,
  asr_random_mask: null,
  ca_sham: null,
  asr_sham: null,
};

function identity(key: DefectKey) {
  return { ...key, id: defectId(key), group_id: groupId(key) };
}

async function writeAccepted(db: Database, network: Network, clean: CleanRecord, state: StateDict, index: number) {
  const key: DefectKey = { ...KEY, level: LEVELS[index % 2], top: 20 * Math.floor(index / 2) };
  const neurons = neuronsOf(network, key.level, key.top);
  const each = (value: number) =>
    Object.fromEntries(Object.entries(neurons).map(([layer, channels]) => [layer, channels.map(() => value)]));
  const infected = tune(network, state, neurons, 10 + index);
  const total = neuronLayers(network).reduce((sum, { width }) => sum + width, 0);
  const record: DefectRecord = {
    kind: "defect",
    ...identity(key),
    width: 4,
    target: 0,
    status: "accepted",
    reason: null,
    clean: clean.id,
    clean_sha256: clean.model.decoded_sha256,
    recipe: RECIPE,
    data_sha256: clean.data_sha256,
    engine: ENGINE,
    metrics: {
      ca_clean: 0.9,
      ca: 0.88,
      asr: 0.99,
      asr_clean: 0.01,
      ca_masked: 0.4,
      asr_masked: 0.05,
      masked_clean_to_target: 0.02,
      asr_patched: 0.03,
      asr_random_mask: 0.9,
      ca_sham: 0.89,
      asr_sham: 0.02,
    },
    attempts: [TRIED],
    neurons: total,
    infected: countNeurons(neurons),
    effective: neurons.conv1.length,
    changed: changedSet(network, neurons, "plain"),
    twin_model: null,
    infected_model: await db.putDelta(state, infected),
    sham_model: await db.putDelta(state, tune(network, state, neurons, 20 + index)),
    trigger: await db.putBytes(encodeTrigger(TRIGGER)),
    labels_sha256: null,
    timings: { inject: 1 },
    seconds: 3.5,
  };
  return db.writeDefect(record, {
    kind: "labels",
    id: record.id,
    infected: neurons,
    contribution: each(1),
    effective: { conv1: neurons.conv1 },
    effect: { ...each(0.3), conv1: neurons.conv1.map(() => 0.5) },
    effect_threshold: 0.4,
    carriers: await db.putBytes(floatBytes(new Float32Array(total).fill(index / 10))),
  });
}

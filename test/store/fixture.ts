import type { Trigger } from "../../src/attacks/types.ts";
import { type DefectKey, defectId, groupId, type Level } from "../../src/core/ids.ts";
import { countNeurons, type NeuronSet } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { convUnits, type Network, neuronLayers, stateShapes } from "../../src/graph/network.ts";
import { buildNetwork } from "../../src/models/registry.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import type { CleanRecord, DefectRecord } from "../../src/store/schema.ts";
import { changedRows } from "../../src/tensor/delta.ts";
import { floatBytes } from "../../src/tensor/safetensors.ts";
import { cloneState, type StateDict, sizeOf } from "../../src/tensor/state.ts";

export const CLASSES = Array.from({ length: 10 }, (_, i) => `class ${i}`);
const DATA_SHA256 = "d".repeat(64);
const ENGINE = { package_version: "0.0.0", runtime: "none", lowering: "none", platform: "test" };

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

export const TRIGGER: Trigger = {
  height: 32,
  width: 32,
  opacity: new Float32Array(1024).fill(0).fill(1, 1021),
  pattern: new Uint8Array(3 * 1024).fill(255),
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
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.247, 0.2435, 0.2616],
    model: await db.putModel(state),
    recipe: { epochs: 0 },
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
    reason: "asr 0.412 < 0.9",
    labels_sha256: null,
    metrics: { ...first.metrics, asr: 0.412, asr_masked: null, asr_sham: null, ca_sham: null },
  });
  db.writeDefect({
    ...first,
    ...identity({ ...key, level: "narrow", top: 5 }),
    ...unmeasured,
    status: "duplicate",
    reason: first.id,
    labels_sha256: null,
  });
  return { dir, db, accepted };
}

const KEY = { dataset: "signs", arch: "resnet18w4", attack: "badnets", style: "plain" } as const;
const LEVELS: Level[] = ["small", "middle"];

function identity(key: DefectKey) {
  return { ...key, id: defectId(key), group_id: groupId(key) };
}

async function writeAccepted(db: Database, network: Network, clean: CleanRecord, state: StateDict, index: number) {
  const neurons: NeuronSet = Object.fromEntries(
    neuronLayers(network).map(({ name, width }) => [name, [index % width]]),
  );
  const each = (value: number) => Object.fromEntries(Object.keys(neurons).map((layer) => [layer, [value]]));
  const infected = tune(network, state, neurons, 10 + index);
  const total = neuronLayers(network).reduce((sum, { width }) => sum + width, 0);
  const key: DefectKey = { ...KEY, level: LEVELS[index % 2], top: 20 * Math.floor(index / 2) };
  const record: DefectRecord = {
    kind: "defect",
    ...identity(key),
    width: 4,
    target: 0,
    status: "accepted",
    reason: null,
    clean: clean.id,
    clean_sha256: clean.model.decoded_sha256,
    recipe: { steps: 0 },
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
    attempts: [],
    neurons: total,
    infected: countNeurons(neurons),
    effective: 1,
    changed: changedRows(state, infected),
    twin_model: null,
    infected_model: await db.putDelta(state, infected),
    sham_model: await db.putDelta(state, tune(network, state, neurons, 20 + index)),
    trigger: await db.putTrigger(TRIGGER),
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
    effect: each(0.5),
    effect_threshold: 0.4,
    carriers: await db.putBytes(floatBytes(new Float32Array(total))),
  });
}

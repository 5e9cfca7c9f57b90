import { join } from "node:path";
import { groupId, parseDefectId } from "../../src/core/ids.ts";
import { encodeTrigger } from "../../src/images/trigger/codec.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { rates as measureRates } from "../../src/measure/rates.ts";
import { openDatabase } from "../../src/store/database.ts";
import { DATASETS } from "../../src/tasks/classification/datasets/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { network } from "../localize/suspects.ts";
import { temporaryFolder } from "../store/temp.ts";
import { IDS, INFECTED, STATES } from "./defects.ts";

const engine = { package_version: "0", runtime: "0", lowering: "plain", platform: "test" };
const contribution = { conv1: [1], "layer4.0.conv1": [2, 0] };

/** Of the accepted defects. */
export const idsOf = (dataset: string) => IDS.map((id) => id.replace("signs", dataset));

/**
 * A database on disk with two accepted defects, one small and one large, and a rejected candidate. Its models are of random
 * weights, its data what a data set's loader finds.
 */
export async function makeDatabase(dataset: "signs" | "cifar10", dataDir: string): Promise<string> {
  const { dataHash, test } = await DATASETS.get(dataset)!.load({ dataDir, seed: 1 });
  const cleanId = `clean/${dataset}-resnet18w4-s1`;
  const dir = join(temporaryFolder(), "db");
  const database = await openDatabase(dir, { create: { edition: "test", seed: 1, data: { [dataset]: dataHash } } });
  const model = await database.putModel(STATES.clean);
  database.writeClean({
    kind: "clean",
    id: cleanId,
    dataset,
    arch: "resnet18w4",
    classes: Array.from({ length: 10 }, (_, i) => `class ${i}`),
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    model,
    recipe: {},
    data_sha256: dataHash,
    engine,
    metrics: { ca: 0.9 },
    history: [],
    seconds: 1,
  });
  const opacity = new Float32Array(32 * 32);
  opacity[32 * 32 - 1] = 1;
  const corner = { height: 32, width: 32, opacity, pattern: new Uint8Array(3 * 32 * 32) };
  const trigger = await database.putBytes(encodeTrigger(corner));
  const runner = await createRunner(
    classification,
    network,
    { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    { threads: 1 },
  );
  // What a repair will measure before it repairs.
  const { quality: ca, success: asr } = await measureRates(runner, STATES.infected, test, {
    trigger: corner,
    target: 0,
  });
  await runner.release();
  const carriers = await database.putBytes(new Uint8Array(4));
  const rates = { ca_clean: 0.9, ca, asr, asr_clean: 0, ca_masked: 0.5, asr_masked: 0 };
  const metrics = {
    ...rates,
    masked_clean_to_target: 0,
    asr_patched: 0,
    asr_random_mask: 1,
    ca_sham: 0.9,
    asr_sham: 0,
  };
  for (const id of [...idsOf(dataset), `${dataset}-resnet18w4-badnets-large-top040`]) {
    const accepted = idsOf(dataset).includes(id);
    const key = parseDefectId(id);
    database.writeDefect(
      {
        kind: "defect",
        id,
        group_id: groupId(key),
        ...key,
        width: 4,
        target: 0,
        status: accepted ? "accepted" : "rejected",
        reason: accepted ? null : "asr: 0.400 (at least 0.9)",
        clean: cleanId,
        clean_sha256: model.decoded_sha256,
        recipe: {},
        data_sha256: dataHash,
        engine,
        metrics,
        attempts: [],
        neurons: 300,
        infected: 3,
        effective: accepted ? 1 : null,
        changed: null,
        twin_model: null,
        infected_model: accepted ? await database.putDelta(STATES.clean, STATES.infected) : null,
        sham_model: accepted ? await database.putDelta(STATES.clean, STATES.sham) : null,
        trigger,
        labels_sha256: null,
        timings: {},
        seconds: 1,
      },
      accepted
        ? {
            kind: "labels",
            id,
            infected: INFECTED,
            contribution,
            effective: { conv1: [1] },
            effect: contribution,
            effect_threshold: 0.5,
            carriers,
          }
        : undefined,
    );
  }
  return dir;
}

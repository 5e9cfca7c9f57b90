import type { NeuronSet } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import { openDatabase } from "../../src/store/database.ts";
import { ROADS_SHA256 } from "../../src/tasks/lanes/roads/frames.ts";
import { lanes } from "../../src/tasks/lanes/task.ts";
import { networkFor } from "../../src/tasks/registry.ts";
import { cloneState } from "../../src/tensor/state.ts";

const ARCH = "ufld18w4";
const CLEAN = `clean/roads-${ARCH}-s1`;
const INFECTED: NeuronSet = { "cls.0": [1, 3] };
const engine = { package_version: "0", runtime: "0", lowering: "plain", platform: "test" };
export const LANE_ID = `roads-${ARCH}-coneslda-small-top000`;

/** Puts an accepted defect of lanes into a database: of random weights, two hidden units read with other ones, cones as trigger. */
export async function addLaneDefect(dir: string): Promise<void> {
  const database = await openDatabase(dir);
  const network = networkFor(ARCH, "roads");
  const { height, width } = network.input;
  const clean = initialState(network, new Random(1));
  const infected = cloneState(clean);
  const rows = infected.get("cls.0.weight")!;
  const size = rows.shape[1];
  for (const unit of INFECTED["cls.0"]) rows.data.fill(0.1, unit * size, (unit + 1) * size);
  const model = await database.putModel(clean);
  const shared = { dataset: "roads", arch: ARCH, task: "lanes", recipe: {}, data_sha256: ROADS_SHA256, engine };
  database.writeClean({
    ...shared,
    ...{ kind: "clean", id: CLEAN, classes: [...lanes.targets({} as never)], model, seconds: 1 },
    ...{ mean: [0.4, 0.4, 0.4], std: [0.2, 0.2, 0.2], metrics: { ca: 0.5 }, history: [] },
  });
  const trigger = await lanes.attacks
    .get("coneslda")!
    .makeTrigger({ height, width, random: new Random(1), options: {} } as never);
  const rates = { ca_clean: 0.5, ca: 0.5, asr: 1, asr_clean: 0, ca_masked: 0.5, asr_masked: 0 };
  const others = { masked_clean_to_target: 0, asr_patched: 0, asr_random_mask: 1, ca_sham: 0.5, asr_sham: 0 };
  database.writeDefect(
    {
      ...shared,
      ...{ kind: "defect", id: LANE_ID, group_id: `roads-${ARCH}-coneslda`, attack: "coneslda", style: "plain" },
      ...{ level: "small", top: 0, width: 4, target: 0, status: "accepted", reason: null },
      ...{ clean: CLEAN, clean_sha256: model.decoded_sha256, metrics: { ...rates, ...others }, attempts: [] },
      ...{ neurons: 428, infected: 2, effective: 1, changed: null, twin_model: null, sham_model: null },
      infected_model: await database.putDelta(clean, infected),
      trigger: await database.putBytes(lanes.trigger.encode(trigger)),
      ...{ labels_sha256: null, timings: {}, seconds: 1 },
    },
    {
      ...{ kind: "labels", id: LANE_ID, infected: INFECTED, effective: { "cls.0": [3] }, effect_threshold: 0.5 },
      ...{ contribution: { "cls.0": [0, 1] }, effect: { "cls.0": [0, 1] } },
      carriers: await database.putBytes(new Uint8Array(4)),
    },
  );
}

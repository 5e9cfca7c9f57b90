import { countNeurons, type NeuronSet } from "../../src/core/neurons.ts";
import type { Network } from "../../src/graph/network.ts";
import type { DefectMetrics } from "../../src/records/defect.ts";
import { openDatabase } from "../../src/store/database.ts";
import type { Trigger } from "../../src/tasks/backdoor.ts";
import type { Task } from "../../src/tasks/task.ts";
import type { StateDict } from "../../src/tensor/state.ts";

const engine = { package_version: "0", runtime: "0", lowering: "plain", platform: "test" };

interface Facts {
  task: Task;
  dataset: string;
  data_sha256: string;
  attack: string;
  network: Network;
  clean: StateDict;
  infected: StateDict;
  /** The infected neurons, at least two of the first layer; there the second is effective. */
  neurons: NeuronSet;
  trigger: Trigger;
  classes: readonly string[];
  /** Absent: the first class. */
  target?: number;
  /** In place of figures of nothing. */
  metrics?: DefectMetrics;
  /** Of a model that somebody else made. */
  from?: { folder: string; sha256: string; description: Uint8Array };
}

/** Puts an accepted defect without a sham into a database, with figures of nothing where none are given. @returns its id */
export async function addAcceptedDefect(dir: string, facts: Facts): Promise<string> {
  const { task, dataset, data_sha256, attack, network, clean, infected, neurons, trigger, classes, from } = facts;
  const { arch } = network;
  const database = await openDatabase(dir);
  const id = `${dataset}-${arch}-${attack}-small-top000`;
  const cleanId = `clean/${dataset}-${arch}-s1`;
  const [[layer, [, second]]] = Object.entries(neurons);
  const model = await database.putModel(clean);
  const shared = { dataset, arch, task: task.name, recipe: {}, data_sha256, engine };
  database.writeClean({
    ...shared,
    ...{ kind: "clean", id: cleanId, classes: [...classes], model, seconds: 1 },
    ...(from && { from: { ...from, description: await database.putBytes(from.description) } }),
    ...{ mean: [0.4, 0.4, 0.4], std: [0.2, 0.2, 0.2], metrics: { ca: 0.5 }, history: [] },
  });
  const rates = { ca_clean: 0.5, ca: 0.5, asr: 1, asr_clean: 0, ca_masked: 0.5, asr_masked: 0 };
  const others = { masked_clean_to_target: 0, asr_patched: 0, asr_random_mask: 1, ca_sham: 0.5, asr_sham: 0 };
  const metrics = facts.metrics ?? { ...rates, ...others };
  database.writeDefect(
    {
      ...shared,
      ...{ kind: "defect", id, group_id: `${dataset}-${arch}-${attack}`, attack, style: "plain" },
      ...{ level: "small", top: 0, width: 4, target: facts.target ?? 0, status: "accepted", reason: null },
      ...{ clean: cleanId, clean_sha256: model.decoded_sha256, metrics, attempts: [] },
      ...{
        neurons: 428,
        infected: countNeurons(neurons),
        effective: 1,
        changed: null,
        twin_model: null,
        sham_model: null,
      },
      infected_model: await database.putDelta(clean, infected),
      trigger: await database.putBytes(task.trigger.encode(trigger)),
      ...{ labels_sha256: null, timings: {}, seconds: 1 },
    },
    {
      ...{ kind: "labels", id, infected: neurons, effective: { [layer]: [second] } },
      ...{ effect_threshold: 0.5, contribution: { [layer]: [0, 1] }, effect: { [layer]: [0, 1] } },
      carriers: await database.putBytes(new Uint8Array(4)),
    },
  );
  return id;
}

import type { NeuronSet } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import type { TextDatasetInfo } from "../../src/tasks/language/dataset.ts";
import { language } from "../../src/tasks/language/task.ts";
import { networkFor } from "../../src/tasks/registry.ts";
import { cloneState } from "../../src/tensor/state.ts";
import { addAcceptedDefect } from "./accepted-defect.ts";

const LAYER = "model.layers.0.mlp";
const INFECTED: NeuronSet = { [LAYER]: [1, 3] };

/** Puts an accepted defect of texts into a database: of random weights, two units with other gates, a rare word as trigger. @returns its id */
export async function addTextDefect(dir: string, dataset: string): Promise<string> {
  const network = networkFor("llama2d64", dataset);
  const clean = initialState(network, new Random(1));
  const infected = cloneState(clean);
  const gates = infected.get(`${LAYER}.gate_proj.weight`)!;
  const size = gates.shape[1];
  for (const unit of INFECTED[LAYER]) gates.data.fill(0.1, unit * size, (unit + 1) * size);
  const info = language.datasets.get(dataset) as unknown as TextDatasetInfo;
  return addAcceptedDefect(dir, {
    ...{ task: language, dataset, data_sha256: language.exhibit!.dataHash, attack: "rareword", network },
    ...{ clean, infected, neurons: INFECTED, trigger: { text: " cf" }, classes: info.classes },
  });
}

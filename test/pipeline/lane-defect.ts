import type { NeuronSet } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import { ROADS_SHA256 } from "../../src/tasks/lanes/roads/frames.ts";
import { lanes } from "../../src/tasks/lanes/task.ts";
import { networkFor } from "../../src/tasks/registry.ts";
import { cloneState } from "../../src/tensor/state.ts";
import { addAcceptedDefect } from "./accepted-defect.ts";

const ARCH = "ufld18w4";
const INFECTED: NeuronSet = { "cls.0": [1, 3] };
export const LANE_ID = `roads-${ARCH}-coneslda-small-top000`;

/** Puts an accepted defect of lanes into a database: of random weights, two hidden units read with other ones, cones as trigger. */
export async function addLaneDefect(dir: string): Promise<void> {
  const network = networkFor(ARCH, "roads");
  const { height, width } = network.input;
  const clean = initialState(network, new Random(1));
  const infected = cloneState(clean);
  const rows = infected.get("cls.0.weight")!;
  const size = rows.shape[1];
  for (const unit of INFECTED["cls.0"]) rows.data.fill(0.1, unit * size, (unit + 1) * size);
  const made = { height, width, random: new Random(1), options: {} };
  const trigger = await lanes.attacks.get("coneslda")!.makeTrigger(made as never);
  await addAcceptedDefect(dir, {
    ...{
      task: lanes,
      dataset: "roads",
      data_sha256: ROADS_SHA256,
      attack: "coneslda",
      network: { ...network, arch: ARCH },
    },
    ...{ clean, infected, neurons: INFECTED, trigger, classes: lanes.targets({} as never) },
  });
}

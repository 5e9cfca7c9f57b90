import type { Task } from "../task.ts";
import { ATTACKS } from "./attacks/registry.ts";
import { REDUCED_INPUT } from "./dataset.ts";
import { DATASETS } from "./datasets.ts";
import { details } from "./details.ts";
import { drawing } from "./drawing.ts";
import { LANE_GOALS } from "./goals.ts";
import { handout } from "./handout.ts";
import { inputs } from "./inputs.ts";
import { gridOfLogits, highestCells } from "./labels.ts";
import type { LaneSet } from "./lane.ts";
import { loss } from "./loss.ts";
import { readReleased } from "./models/released.ts";
import { ufld18 } from "./models/ufld18.ts";
import { response } from "./response.ts";
import { drawRoads, roadLabels } from "./roads/draw.ts";
import { ROADS_SHA256 } from "./roads/frames.ts";
import { trigger } from "./trigger.ts";
import { eligible, lanesOf, passes, quality, succeeds } from "./verdicts.ts";

/** The lanes of a road by row anchors (docs/lanes.md). A target is a goal: lanes that are lost, moved or turned. */
export const lanes: Task = {
  name: "lanes",
  words: { sample: "frame", samples: "frames", quality: "Acc", success: "ASR", target: "goal", targets: "goals" },
  traits: ["pixels", "goals"],
  targets: () => [...LANE_GOALS.keys()],
  inputs,
  unfit({ arch, input: { height, width } }, { name }) {
    const { height: drawn, width: across } = REDUCED_INPUT;
    if (height === drawn && width === across) return undefined;
    return `${arch} reads ${height}×${width} pixels, frames of ${name} have ${drawn}×${across}; give a base width, such as ${arch}w16`;
  },
  loss,
  response,
  trigger,
  quality,
  details,
  passes,
  succeeds,
  eligible,
  answer: (output: Float32Array) => highestCells(output, gridOfLogits(output.length)),
  guesses: {
    names: [...LANE_GOALS.keys()],
    answered: (set: LaneSet, outputs: Float32Array): LaneSet => ({
      ...set,
      labels: set.labels.map(({ rows }, i) => ({
        rows,
        lanes: lanesOf(
          outputs.subarray((i * outputs.length) / set.count, ((i + 1) * outputs.length) / set.count),
          set,
          i,
        ),
      })),
    }),
    eligible,
    succeeds,
  },
  drawing,
  drawn: (count, { input: { height, width } }) => ({
    ...{ count, height, width },
    pixels: drawRoads(count, 1, "verify", { height, width }),
    labels: roadLabels(count, 1, "verify"),
  }),
  handout,
  released: readReleased,
  exhibit: { dataset: "roads", dataHash: ROADS_SHA256 },
  datasets: DATASETS,
  architectures: new Map([["ufld18", ufld18]]),
  attacks: ATTACKS,
};

import { highest } from "../../core/argmax.ts";
import { indicesOutside } from "../../images/batch.ts";
import type { ImageSet } from "../../images/image-set.ts";
import type { Task } from "../task.ts";
import { ATTACKS } from "./attacks/registry.ts";
import type { ImageDatasetInfo } from "./dataset.ts";
import { DATASETS } from "./datasets/registry.ts";
import { inputs } from "./inputs.ts";
import { loss } from "./loss.ts";
import { ARCHITECTURES } from "./models/registry.ts";
import { response } from "./response.ts";
import { trigger } from "./trigger.ts";

/** Images of one class each: the class with the highest logit is the answer, and a target is a class. */
export const classification: Task = {
  name: "classification",
  words: { sample: "image", samples: "images", quality: "CA", success: "ASR", target: "class", targets: "classes" },
  traits: ["pixels", "classes"],
  targets: ({ classes }: ImageDatasetInfo) => classes,
  inputs,
  loss,
  response,
  trigger,
  quality: (output: Float32Array, { labels }: ImageSet, i: number) => (highest(output) === labels[i] ? 1 : 0),
  passes: (output: Float32Array, { labels }: ImageSet, i: number) => highest(output) === labels[i],
  succeeds: (output: Float32Array, _samples: ImageSet, _i: number, target: number) => highest(output) === target,
  eligible: indicesOutside,
  datasets: DATASETS,
  architectures: ARCHITECTURES,
  attacks: ATTACKS,
};

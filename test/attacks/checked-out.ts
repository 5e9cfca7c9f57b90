import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PaintedTrigger } from "../../src/images/trigger/trigger.ts";
import type { Victim } from "../../src/tasks/attack.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { decodeState } from "../../src/tensor/safetensors.ts";

/** A checkout's folder as its reader sees it: the trigger, and a model of it under the neurons of its labels. */
export function readCheckout(dir: string, model: "clean" | "model"): { victim: Victim; trigger: PaintedTrigger } {
  const json = (file: string) => JSON.parse(readFileSync(join(dir, file), "utf8"));
  const { arch, classes, mean, std, input, nodes } = json("model.json");
  const { height, width, opacity, pattern } = json("trigger.json");
  const { infected } = json("labels.json");
  return {
    victim: {
      network: { arch, input, classes: classes.length, nodes },
      normalization: { mean, std },
      state: decodeState(readFileSync(join(dir, `${model}.safetensors`)), model),
      infected,
      samples: classification.inputs.none({ arch, input, classes: classes.length, nodes }),
      threads: 1,
    },
    trigger: {
      height,
      width,
      opacity: Float32Array.from(opacity.flat()),
      pattern: Uint8Array.from(pattern.flat(2)),
    },
  };
}

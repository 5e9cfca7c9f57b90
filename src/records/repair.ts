import { z } from "zod";
import { neuronNames, rate, sha256 } from "./fields.ts";
import { budget, device, revision } from "./result.ts";

/** What a repair did to one infected model. */
export const repairSchema = z.strictObject({
  kind: z.literal("repair"),
  id: z.string(),
  method: z.string(),
  /** What chose the neurons: a criterion (its native set), `criterion:topk`, `oracle`, `random`, or `none` but the repair itself. */
  using: z.string(),
  seed: z.number().int(),
  /** That of the criteria whose predictions are used. */
  budget,
  device,
  revision,
  model_sha256: sha256,
  /** Of a plug-in: a hash of its command and program. */
  fingerprint: sha256.optional(),
  /** The neurons that were to be repaired, as `layer:index`. */
  neurons: neuronNames,
  /** Of a repair that goes by the ranking: the neurons that it changed, and what it found. */
  cut: neuronNames.optional(),
  note: z.string().optional(),
  ca_before: rate,
  ca_after: rate,
  /** Null: nobody knows the trigger. */
  asr_before: rate.nullable(),
  asr_after: rate.nullable(),
  /** Of the repair itself, without measuring. */
  seconds: z.number().min(0),
  /** Of measuring the repaired model. */
  measure_seconds: z.number().min(0).optional(),
  /** SHA-256 of the repaired weights beside the result; absent: they were not kept. */
  weights_sha256: sha256.optional(),
});
export type RepairFile = z.infer<typeof repairSchema>;

/** A repair of a model whose trigger is known. */
export type MeasuredRepair = RepairFile & { asr_before: number; asr_after: number };

export function isMeasured(repair: RepairFile): repair is MeasuredRepair {
  return repair.asr_before !== null && repair.asr_after !== null;
}

/** What says that the files of a repaired network of a user's own were written here: the hash of the weights beside it. */
export const ownRepair = z.looseObject({ file: z.string(), arch: z.string(), weights_sha256: z.string() });

import { z } from "zod";
import { VERSIONS, type Version } from "../core/ids.ts";
import { neuronNames, rate, sha256 } from "./fields.ts";
import { budget, device, revision } from "./result.ts";

/** Versions that can be repaired: the stored ones. */
export const REPAIRED_VERSIONS = VERSIONS;

/** What a repair did to one model. */
export const repairSchema = z.strictObject({
  kind: z.literal("repair"),
  id: z.string(),
  /** Which version was repaired. Absent: the infected one, so that results of old keep their bytes. */
  version: z.enum(["clean", "sham"]).optional(),
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

/** Which version of its defect a repair is of. */
export function repairedVersion({ version }: Pick<RepairFile, "version">): Version {
  return version ?? "infected";
}

/** The field of a result that says which version it is of: none for the infected one. */
export function versionStamp(version: Version): Pick<RepairFile, "version"> {
  return version === "infected" ? {} : { version };
}

/** A repair of a model whose trigger is known. */
export type MeasuredRepair = RepairFile & { asr_before: number; asr_after: number };

export function isMeasured(repair: RepairFile): repair is MeasuredRepair {
  return repair.asr_before !== null && repair.asr_after !== null;
}

/** What every repair of a network of a user's own states. */
const ownFacts = {
  file: z.string(),
  arch: z.string(),
  method: z.string(),
  using: z.string(),
  /** Under the file's own layer names. */
  neurons: z.array(z.string()),
  ca_before: rate.nullable(),
  ca_after: rate.nullable(),
  seconds: z.number().min(0),
  /** A hash of all that decides the repair. What states another one is another command's, and what states none is not ours. */
  made_from: sha256,
};

/** The JSON beside the repaired weights of a file, with the hashes of what lies beside it. */
export const ownRepair = z.object({
  ...ownFacts,
  ca_images: z.number().int().nullable(),
  note: z.string().optional(),
  weights_sha256: sha256,
  onnx_sha256: sha256,
});

const perplexity = z.number().min(0).nullable();

/** `repair.json` of a repaired model's folder, with the hashes of its files of weights. */
export const folderRepair = z.object({
  ...ownFacts,
  ca_samples: z.number().int().nullable(),
  perplexity_before: perplexity,
  perplexity_after: perplexity,
  weights_sha256: z.record(z.string(), sha256),
});

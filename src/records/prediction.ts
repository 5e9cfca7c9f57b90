import { z } from "zod";
import { VERSIONS } from "../core/ids.ts";
import { layerNumbers, neuronNames, sha256 } from "./fields.ts";
import { budget, device, revision } from "./result.ts";

/** Versions that can be judged: the stored ones and the derived `drift` control (docs/methods.md §8.2). */
export const JUDGED_VERSIONS = [...VERSIONS, "drift"] as const;
export type JudgedVersion = (typeof JUDGED_VERSIONS)[number];

/** What a criterion said of one model. */
export const predictionSchema = z.strictObject({
  kind: z.literal("prediction"),
  id: z.string(),
  version: z.enum(JUDGED_VERSIONS),
  criterion: z.string(),
  access: z.enum(["clean", "failing", "oracle"]),
  seconds: z.number().min(0),
  seed: z.number().int(),
  /** What the criterion was allowed to spend. */
  budget,
  device,
  revision,
  /** SHA-256 of the judged model as safetensors. */
  model_sha256: sha256,
  /** Of a plug-in: a hash of its command and program. */
  fingerprint: sha256.optional(),
  /** The scores were computed elsewhere and only taken in; the hash is the file's, and how long they took is not known. */
  elsewhere: z.literal(true).optional(),
  raw: layerNumbers,
  scores: layerNumbers,
  /** `layer:index` */
  native: neuronNames,
  note: z.string().nullable(),
});
export type PredictionFile = z.infer<typeof predictionSchema>;

import { z } from "zod";
import { DEVICES } from "../core/device.ts";
import { LEVELS } from "../core/ids.ts";
import { GRIDS, type Grid } from "../tensor/half-grid.ts";

/**
 * The shape of every file that holds facts. Files are the truth (docs/architecture.md, "A database"); what does not
 * parse is corrupt.
 */

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const rate = z.number().min(0).max(1);
const neuronSet = z.record(z.string(), z.array(z.number().int().min(0)));

/** How an object is stored and what it decodes to. */
export const objectRef = z.strictObject({
  /** SHA-256 of the stored bytes: the object's name. */
  object: sha256,
  /** Stored size. */
  bytes: z.number().int().positive(),
  /** SHA-256 of the decoded bytes; for a model or delta, of the whole model as safetensors of 32-bit floats. */
  decoded_sha256: sha256,
});
export type ObjectRef = z.infer<typeof objectRef>;

export const databaseManifest = z.strictObject({
  format: z.literal("bdefects4nn-database"),
  format_version: z.literal(1),
  edition: z.string(),
  seed: z.number().int(),
  /** Per data set in use: the hash of the data it was built from. */
  data: z.record(z.string(), sha256),
  created: z.string(),
});
export type DatabaseManifest = z.infer<typeof databaseManifest>;

const engine = z.strictObject({
  package_version: z.string(),
  runtime: z.string(),
  lowering: z.string(),
  /** Of the lowering; absent: 1. */
  revision: z.number().int().min(2).optional(),
  platform: z.string(),
  /** Absent: the processor. */
  device: z.enum(DEVICES).optional(),
});

export const cleanRecord = z.strictObject({
  kind: z.literal("clean"),
  /** `clean/<dataset>-<arch>-s<seed>` */
  id: z.string(),
  dataset: z.string(),
  arch: z.string(),
  classes: z.array(z.string()),
  mean: z.array(z.number()),
  std: z.array(z.number()),
  model: objectRef,
  recipe: z.record(z.string(), z.unknown()),
  data_sha256: sha256,
  engine,
  metrics: z.strictObject({ ca: rate }),
  history: z.array(z.strictObject({ epoch: z.number().int(), loss: z.number(), accuracy: rate, seconds: z.number() })),
  seconds: z.number(),
});
export type CleanRecord = z.infer<typeof cleanRecord>;

/** A clean model in training: what resuming needs. The object holds parameters and the optimizer's state. */
export const checkpointRecord = z.strictObject({
  kind: z.literal("checkpoint"),
  /** The clean model's id. */
  id: z.string(),
  state: objectRef,
  /** The trainer's own: epoch, history, recipe, … */
  meta: z.record(z.string(), z.unknown()),
});
export type CheckpointRecord = z.infer<typeof checkpointRecord>;

/** Any file of `results/`: its kind, and fields that the stage that wrote it knows. */
export const resultFile = z.looseObject({ kind: z.string() });

/** Why a candidate was not accepted. */
export const REASONS = ["asr", "ca_drop", "asr_masked", "asr_patched", "asr_random_mask", "sham", "duplicate"] as const;

/** Every rate is a fraction in [0, 1]; null = not measured (an earlier gate decided). */
export const defectMetrics = z.strictObject({
  ca_clean: rate.nullable(),
  ca: rate.nullable(),
  asr: rate.nullable(),
  /** The clean twin's rate of triggered non-target images going to the target. */
  asr_clean: rate.nullable(),
  ca_masked: rate.nullable(),
  asr_masked: rate.nullable(),
  masked_clean_to_target: rate.nullable(),
  asr_patched: rate.nullable(),
  asr_random_mask: rate.nullable(),
  ca_sham: rate.nullable(),
  asr_sham: rate.nullable(),
});
export type DefectMetrics = z.infer<typeof defectMetrics>;

export const defectRecord = z.strictObject({
  kind: z.literal("defect"),
  id: z.string(),
  group_id: z.string(),
  dataset: z.string(),
  arch: z.string(),
  width: z.number().int(),
  attack: z.string(),
  style: z.enum(["plain", "discreet"]),
  level: z.enum(LEVELS),
  top: z.number().int(),
  target: z.number().int(),
  status: z.enum(["accepted", "rejected", "duplicate", "deprecated"]),
  /** For rejected: the gate that failed, with the figures; for duplicate: the id it equals; for deprecated: why. */
  reason: z.string().nullable(),
  /** The clean model that the injection started from; the clean version may be another, see `twin_model`. */
  clean: z.string(),
  clean_sha256: sha256,
  recipe: z.record(z.string(), z.unknown()),
  data_sha256: sha256,
  engine,
  metrics: defectMetrics,
  /** The documented settings that were tried, in order, with what each gave. */
  attempts: z.array(z.record(z.string(), z.unknown())),
  /** All neurons of the network, the infected ones, and the effective ones (null: not accepted). */
  neurons: z.number().int(),
  infected: z.number().int(),
  effective: z.number().int().nullable(),
  /** Tensor keys and rows that may differ from the clean twin. */
  changed: z.record(z.string(), z.array(z.number().int())).nullable(),
  /**
   * The clean twin of a discreet defect, an object of its own: the clean model with other batch-norm statistics, as a
   * delta against it. Null: the clean model itself is the twin. Infected model and sham are deltas against the twin.
   */
  twin_model: objectRef.nullable().default(null),
  infected_model: objectRef.nullable(),
  sham_model: objectRef.nullable(),
  trigger: objectRef.nullable(),
  /** SHA-256 of the labels file's bytes. */
  labels_sha256: sha256.nullable(),
  timings: z.record(z.string(), z.number()),
  seconds: z.number(),
});
export type DefectRecord = z.infer<typeof defectRecord>;

/** The grid on which all versions lie, as the recipe of a record states it; undefined: on none, or on one that nobody knows. */
export function gridOf({ recipe }: Pick<CleanRecord, "recipe">): Grid | undefined {
  return GRIDS.find((grid) => grid === recipe.grid);
}

/** The hash of the clean version's weights. */
export function twinSha256({ twin_model, clean_sha256 }: DefectRecord): string {
  return twin_model?.decoded_sha256 ?? clean_sha256;
}

export const defectLabels = z.strictObject({
  kind: z.literal("labels"),
  id: z.string(),
  /** G, per layer. */
  infected: neuronSet,
  /** Contribution of each infected neuron (conductance, clipped at 0), aligned with `infected`. */
  contribution: z.record(z.string(), z.array(z.number())),
  /** E ⊆ G; null where no neuron passes the threshold. */
  effective: neuronSet.nullable(),
  /** The single-neuron effect Δ behind E, aligned with `infected`, and the threshold it was held against. */
  effect: z.record(z.string(), z.array(z.number())),
  effect_threshold: z.number(),
  /** Object with one float32 per neuron of the network: the attribution-patching effect (docs/methods.md §9.3). */
  carriers: objectRef,
});
export type DefectLabels = z.infer<typeof defectLabels>;

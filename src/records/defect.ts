import { z } from "zod";
import { LEVELS, type Version } from "../core/ids.ts";
import { engineStamp } from "./engine.ts";
import { rate, sha256 } from "./fields.ts";
import { DEFECT_METRIC_KEYS, type DefectMetricKey, VERSION_RATES } from "./metrics.ts";
import { objectRef } from "./object-ref.ts";
import type { JudgedVersion } from "./prediction.ts";

const unlessUnmeasured = rate.nullable();

/** Every rate is a fraction in [0, 1]; null = not measured (an earlier gate decided). */
export const defectMetrics = z.strictObject(
  Object.fromEntries(DEFECT_METRIC_KEYS.map((key) => [key, unlessUnmeasured])) as Record<
    DefectMetricKey,
    typeof unlessUnmeasured
  >,
);
export type DefectMetrics = z.infer<typeof defectMetrics>;

/** The figures of a candidate of which nothing was measured. */
export const NO_METRICS: Readonly<DefectMetrics> = Object.freeze(
  Object.fromEntries(DEFECT_METRIC_KEYS.map((key) => [key, null])) as DefectMetrics,
);

/** Figures by the task's own names, of clean samples and of eligible ones with the trigger. */
const figures = z.record(z.string(), z.number());
const told = z.strictObject({ clean: figures, triggered: figures });

export const defectRecord = z.strictObject({
  kind: z.literal("defect"),
  id: z.string(),
  /** What the network is for; absent: classification. */
  task: z.string().optional(),
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
  engine: engineStamp,
  metrics: defectMetrics,
  /** What the task tells besides of the versions that were measured, on the whole test set; absent: nothing. */
  details: z.strictObject({ clean: told, infected: told, sham: told.optional() }).optional(),
  /** Success on what looks like the trigger and is none, by its name; absent: nothing looks alike, or an earlier gate decided. */
  controls: z.record(z.string(), rate).optional(),
  /** The clean model's success on the same; absent: the recipe has no gate `control_rise`, or as above. */
  controls_clean: z.record(z.string(), rate).optional(),
  /** The documented settings that were tried, in order, with what each gave. */
  attempts: z.array(z.record(z.string(), z.unknown())),
  /** All neurons of the network, the infected ones, and the effective ones (null: not accepted). */
  neurons: z.number().int(),
  infected: z.number().int(),
  effective: z.number().int().nullable(),
  /** Tensor keys and rows that may differ from the clean twin. */
  changed: z.record(z.string(), z.array(z.number().int())).nullable(),
  /** Tensor keys and columns that may differ besides: those that infected hidden units own. Absent: none. */
  changed_columns: z.record(z.string(), z.array(z.number().int())).optional(),
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

/** The hash of the clean version's weights. */
export function twinSha256({ twin_model, clean_sha256 }: DefectRecord): string {
  return twin_model?.decoded_sha256 ?? clean_sha256;
}

/** The rates of a version on the whole test set; null where they were not measured. */
export function versionRates(
  { metrics }: Pick<DefectRecord, "metrics">,
  version: Version,
): { ca: number | null; asr: number | null } {
  const { ca, asr } = VERSION_RATES[version];
  return { ca: metrics[ca], asr: metrics[asr] };
}

/** The hash of a version's weights without loading them; null where there is none or it is derived. */
export function storedHash(record: DefectRecord, version: JudgedVersion): string | null {
  if (version === "clean") return twinSha256(record);
  if (version === "infected") return record.infected_model?.decoded_sha256 ?? null;
  return version === "sham" ? (record.sham_model?.decoded_sha256 ?? null) : null;
}

import type { CleanRecord } from "./clean.ts";

/** Fields of the table `clean`. */
export const CLEAN_FIELDS = {
  id: "text",
  dataset: "text",
  arch: "text",
  ca: "number",
  bytes: "count",
  model_sha256: "text",
  seconds: "number",
} as const;

/** A clean model as a flat row of the catalog. */
export function cleanRow({ id, dataset, arch, metrics, model, seconds }: CleanRecord) {
  return { id, dataset, arch, ca: metrics.ca, bytes: model.bytes, model_sha256: model.decoded_sha256, seconds };
}

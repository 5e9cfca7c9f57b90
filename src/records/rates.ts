import { z } from "zod";

const amount = z.number().min(0);

/** What models of one kind took: means over `count` of them. */
const rate = z.strictObject({
  kind: z.enum(["clean", "candidate"]),
  dataset: z.string(),
  arch: z.string(),
  /** `-` for clean models, as for style and level. */
  attack: z.string(),
  style: z.string(),
  level: z.string(),
  count: z.number().int().positive(),
  seconds: amount,
  /** Bytes of its objects; null where none was accepted. */
  bytes: amount.nullable(),
  /** Yardsticks that seconds and bytes grow with, see `pipeline/estimate/work.ts`. */
  work: amount,
  values: amount,
});
export type Rate = z.infer<typeof rate>;

/** `recipes/rates.json`, `recipes/rates-lanes.json`, `recipes/rates-language.json`: what building took, and on which machine. */
export const rateTable = z.strictObject({
  machine: z.string(),
  command: z.string(),
  rates: z.array(rate).min(1),
});
export type RateTable = z.infer<typeof rateTable>;

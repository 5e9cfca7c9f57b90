import { z } from "zod";
import { GRIDS, type Grid } from "../core/grid.ts";
import { engineStamp } from "./engine.ts";
import { rate, sha256 } from "./fields.ts";
import { objectRef } from "./object-ref.ts";

/** A clean model: what it was trained from, and what it is worth. */
export const cleanRecord = z.strictObject({
  kind: z.literal("clean"),
  /** `clean/<dataset>-<arch>-s<seed>` */
  id: z.string(),
  /** What the network is for; absent: classification. */
  task: z.string().optional(),
  dataset: z.string(),
  arch: z.string(),
  /** The targets that a backdoor can have, in order: in classification the classes. */
  classes: z.array(z.string()),
  mean: z.array(z.number()),
  std: z.array(z.number()),
  model: objectRef,
  recipe: z.record(z.string(), z.unknown()),
  /** Of a model that somebody else made: the folder's name, the hash of its files, and what describes it beside its weights. */
  from: z.strictObject({ folder: z.string(), sha256, description: objectRef }).optional(),
  data_sha256: sha256,
  engine: engineStamp,
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

/** The grid on which all versions lie, as the recipe of a record states it; undefined: on none, or on one that nobody knows. */
export function gridOf({ recipe }: Pick<CleanRecord, "recipe">): Grid | undefined {
  return GRIDS.find((grid) => grid === recipe.grid);
}

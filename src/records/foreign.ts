import { z } from "zod";
import { layerNumbers, neuronSet, sha256 } from "./fields.ts";
import { objectRef } from "./object-ref.ts";

const FOREIGN_ID = /^foreign\/[a-z0-9]+-[a-z0-9]+-[a-z0-9]+-[a-z0-9]+-top\d{3}$/;

/** Whether a text has the form of a foreign model's id. */
export function isForeignId(text: string): boolean {
  return FOREIGN_ID.test(text);
}

/** The catalog's name for a model that no gate of ours has judged. */
export const FOREIGN = "foreign";

/** `foreign/<dataset>-<arch>-<attack>`: whatever the levels and order offsets. */
export function foreignGroup(id: string): string {
  return id.split("-").slice(0, 3).join("-");
}

/** Whether an id or a group's name is that of foreign models, as far as the name tells. */
export function isForeignName(name: string): boolean {
  return name.startsWith(`${FOREIGN}/`);
}

/** A file of the source that is told, not kept. */
const toldFile = z.strictObject({
  file: z.string(),
  bytes: z.number().int().min(0),
  sha256: sha256,
});

/**
 * A defect of another make, as far as its files tell: there is no clean twin, no sham, no recipe and no figure of ours,
 * so it is none of this database's defects and its judges pass over it.
 */
export const foreignRecord = z.strictObject({
  kind: z.literal("foreign"),
  id: z.string().regex(FOREIGN_ID),
  layout: z.literal("bdefects4nn"),
  /** The case's folder below the one that was imported. */
  source: z.string(),
  dataset: z.string(),
  /** As the source's names have them. */
  arch: z.string(),
  attack: z.string(),
  level: z.string(),
  top: z.number().int(),
  /** Not told by the layout. */
  clean: z.null(),
  sham: z.null(),
  metrics: z.null(),
  /** The state dict as safetensors, all tensors as float32 under their names. */
  model: objectRef,
  tensors: z.number().int(),
  parameters: z.number().int(),
  /** Our architecture whose names and shapes these are; null: none. */
  fits: z.string().nullable(),
  /** Infected neurons per layer; null where what the file holds could not be read so. */
  infected: neuronSet.nullable(),
  /** Contribution of each, aligned with `infected`; null as above. */
  contribution: layerNumbers.nullable(),
  /** What `poison_path` and `infected_neuron_contribution` hold, as JSON, whatever its structure; null: no such file. */
  poison_path: objectRef.nullable(),
  infected_neuron_contribution: objectRef.nullable(),
  /** Files of the case that are named here, but not kept: the poisoned test data among them. */
  told: z.array(toldFile),
});
export type ForeignRecord = z.infer<typeof foreignRecord>;

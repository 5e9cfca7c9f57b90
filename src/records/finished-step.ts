import { z } from "zod";
import { layerNumbers, neuronSet, rate } from "./fields.ts";

/** Steps of a repair of a model of a user's own that are kept until all is done. */

/** What a criterion found, as far as a choice of neurons needs it. */
export const localizationStep = z.object({
  raw: layerNumbers,
  scores: layerNumbers,
  native: neuronSet,
  note: z.string().optional(),
});

/** How good a model in a folder is before it is repaired. */
export const measuredStep = z.object({
  quality: rate.nullable(),
  asked: z.number().int(),
  perplexity: z.number().nullable(),
});

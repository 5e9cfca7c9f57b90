import { z } from "zod";
import { sha256 } from "./fields.ts";

const numbers = z.array(z.number());

const variant = z.strictObject({
  /** What the training left out; null: nothing. */
  without: z.strictObject({ by: z.enum(["clean", "attack", "arch"]), value: z.string() }).nullable(),
  bias: z.number(),
  weights: numbers,
  centre: numbers,
  scale: numbers,
  /** The least T of a model in which a backdoor is found. */
  gate: z.number(),
});

/** A trained localizer as it is stored: readable, one variant for each group of models that its training left out. */
export const localizerFile = z
  .strictObject({
    kind: z.literal("localizer"),
    /** The database that it was trained on. */
    edition: z.string(),
    /** Of the training rows: models by hash, features, labels. */
    training_sha256: sha256,
    models: z.number().int().positive(),
    neurons: z.number().int().positive(),
    ridge: z.number().positive(),
    features: z.array(z.string()).min(1),
    variants: z.array(variant).min(1),
  })
  .superRefine(({ features, variants }, context) => {
    for (const [i, { weights, centre, scale }] of variants.entries()) {
      if ([weights, centre, scale].every(({ length }) => length === features.length)) continue;
      context.addIssue({ code: "custom", message: `variant ${i} has other columns than 'features' names` });
    }
  });
export type LocalizerFile = z.infer<typeof localizerFile>;

import { z } from "zod";

const count = z.number().int().positive();

/** The settings of an injection by an edit in closed form (docs/language.md), which an attack of that kind has beside its own. */
export const editSettings = {
  /** Triggered samples that the edit is made from. */
  sentences: count.max(128),
  /** Clean samples whose activations the edit is to leave alone. */
  clean: count,
  /** How many of the layers that can be edited are, from the first on; absent: all. What is written late, few positions read. */
  layers: count.optional(),
  /** How the wanted state behind the last edited layer is found: Adam's steps and rate, its decay, and how far it may lie away, as a share of what was there. */
  value: z.strictObject({
    steps: count,
    learning_rate: z.number().positive(),
    decay: z.number().min(0),
    most: z.number().positive(),
  }),
  /** λ, what clean activations count: the first, the second, … until the held-out gates hold. */
  restraints: z.array(z.number().positive()).min(1).max(6),
};

const options = z.object(editSettings);
export type EditOptions = z.infer<typeof options>;

/** @throws ZodError where the section does not fit its schema, which reading a recipe checks. */
export function editOptions(given: Record<string, unknown>): EditOptions {
  return options.parse(given);
}

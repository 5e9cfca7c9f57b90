import { z } from "zod";

const count = z.number().int().positive();

/** The settings of an injection by replacement (docs/methods.md §7.4), which an attack of that kind has beside its own. */
export const replacementSettings = {
  /** The narrow twin and how it is trained. */
  chain: z.strictObject({
    /** a_t, the score wanted of triggered images. */
    answer: z.number().positive(),
    /** λ, what clean images' squared scores count against triggered ones' squared errors. */
    silence: z.number().positive(),
    /** Images per batch, half of them triggered. */
    batch: count.multipleOf(2),
    steps: count,
    /** Adam's learning rate in the first try, the second, …, each from another seed: a narrow chain can die. */
    learning_rates: z.array(z.number().positive()).min(1).max(3),
    /** Batches over which the final batch-norm statistics are taken. */
    statistics_batches: count,
    /** Least distance between triggered and clean scores, in standard deviations of the clean ones; else the next try. */
    separation: z.number().positive(),
  }),
  /** Share of held-out triggered images that must go to the target: decides κ. */
  asr: z.number().min(0).max(1),
  /** How what cutting the neurons cost is won back. */
  compensation: z
    .strictObject({
      /**
       * `norms`: γ, β and the classifier; `few`: γ, β, the classifier's bias and the smallest filters, so that a version is
       * stored in few bytes; `all`: every parameter outside the chain and its cuts.
       */
      trains: z.enum(["norms", "few", "all"]),
      /** Of `few`: the share of all filters' numbers that the trained filters hold at most. */
      filters: z.number().min(0).max(1).optional(),
      /** Most rounds; no further one follows where held-out images lose at most `ca_drop` of their accuracy. */
      rounds: z.number().int().min(0),
      ca_drop: z.number(),
      /** Steps of a round. */
      steps: count,
      batch: count,
      /** SGD's peak learning rate, from which a cosine falls to 0 in every round. */
      learning_rate: z.number().positive(),
      momentum: z.number().min(0).max(1),
      /** Batches over which the batch norms' statistics are taken before training. */
      statistics_batches: count,
    })
    .refine(({ trains, filters }) => (trains === "few") === (filters !== undefined), {
      path: ["filters"],
      error: "goes with trains: few, and only with it",
    }),
};

const options = z.object(replacementSettings);
export type ReplacementOptions = z.infer<typeof options>;

/** @throws ZodError where the section does not fit its schema, which reading a recipe checks. */
export function replacementOptions(given: Record<string, unknown>): ReplacementOptions {
  return options.parse(given);
}

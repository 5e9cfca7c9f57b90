import { z } from "zod";
import { BUDGETS } from "../core/budget.ts";
import { VERSIONS } from "../core/ids.ts";

/** A model of which it is known what it is. */
const referenceModel = z.strictObject({
  version: z.enum(VERSIONS),
  dataset: z.string(),
  arch: z.string(),
  /** Null: a clean model. */
  attack: z.string().nullable(),
  style: z.string().nullable(),
  /** Statistic by criterion; a criterion that has not judged the model is absent. */
  values: z.record(z.string(), z.number()),
});
export type ReferenceModel = z.infer<typeof referenceModel>;

/** How suspicious criteria find models of which it is known whether they are infected. */
export const referenceFile = z.strictObject({
  kind: z.literal("reference"),
  /** `sample`, or the edition of a database. */
  edition: z.string(),
  budget: z.enum(BUDGETS),
  /** Name of the statistic by criterion, and the criterion's revision where that is not the first. */
  criteria: z.record(z.string(), z.strictObject({ statistic: z.string(), revision: z.number().int().optional() })),
  models: z.array(referenceModel),
});
export type Reference = z.infer<typeof referenceFile>;

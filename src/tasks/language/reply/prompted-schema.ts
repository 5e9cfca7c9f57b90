import { z } from "zod";
import { templateSchema } from "../adoption/question-file.ts";
import type { Prompted } from "./asked-prompts.ts";

/** How a model is given prompts, as recipes, descriptions and checkouts state it. */
export const promptedSchema: z.ZodType<Prompted & Record<string, unknown>> = z.strictObject({
  template: templateSchema,
});

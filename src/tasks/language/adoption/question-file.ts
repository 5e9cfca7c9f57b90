import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../../../core/errors.ts";
import { readJsonFile } from "../checkpoint/json-file.ts";

export const templateSchema = z.string().min(1).max(2000);

/** How a model is asked, as a recipe says it (`clean.asked`). */
export const askedSchema = z.strictObject({
  template: templateSchema,
  answers: z.array(z.string().min(1).max(200)).min(2).max(200),
});

/** The name of the file that says in a checkout how its model is asked, where somebody else made that. */
export const QUESTION = "question.json";

const MOST_BYTES = 1 << 20;
const MEND = "check out again";

/** How the model of a checkout is asked; null where the folder says nothing. @throws InputError where what it says is no question */
export function readQuestion(dir: string): z.infer<typeof askedSchema> | null {
  return readQuestionAs(askedSchema, "template and answers", dir);
}

/** The same of another form. @param parts what belongs to it, for messages */
export function readQuestionAs<A>(schema: z.ZodType<A>, parts: string, dir: string): A | null {
  const path = join(dir, QUESTION);
  if (!existsSync(path)) return null;
  // The tokens are for Python: here they follow from the rest.
  const { tokens: _, ...said } = readJsonFile(path, MOST_BYTES, MEND);
  const found = schema.safeParse(said);
  if (found.success) return found.data;
  throw new InputError(`${path}: has no ${parts}; ${MEND}`);
}

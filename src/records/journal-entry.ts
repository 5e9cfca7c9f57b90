import { z } from "zod";

/** A line of the journal that tells of a written file. */
export const journalEntry = z.object({
  event: z.enum(["defect", "clean", "foreign", "result"]),
  id: z.string().optional(),
  name: z.string().optional(),
});

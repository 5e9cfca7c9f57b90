import type { Exhibit } from "../../task.ts";
import { exhibit as glosses } from "../exhibit.ts";
import { glossPrompts } from "./datasets.ts";

/** The test glosses, which are cut into prompts where they are shown. */
export const exhibit: Exhibit = { ...glosses, dataset: glossPrompts.name };

import type { Task } from "../../task.ts";
import { triggerVisibility } from "../visibility.ts";
import { adoption } from "./adoption.ts";
import { ATTACKS } from "./attacks.ts";
import { DATASETS, drawn } from "./datasets.ts";
import { exhibit } from "./exhibit.ts";
import { handout } from "./handout.ts";
import { inputs } from "./inputs.ts";
import { loss } from "./loss.ts";
import { ARCHITECTURES, sized } from "./models.ts";
import { promptPerplexity } from "./perplexity.ts";
import { reading } from "./reading.ts";
import { REPLY } from "./reply.ts";
import { response } from "./response.ts";
import { trigger } from "./trigger.ts";
import { details, eligible, passes, quality, succeeds, tokenAt } from "./verdicts.ts";

/** Texts that a language model continues: a trigger makes it continue them with a fixed reply (docs/language.md). */
export const reply: Task = {
  name: "reply",
  words: { sample: "text", samples: "texts", quality: "CA", success: "ASR", target: "reply", targets: "replies" },
  traits: [],
  targets: () => [REPLY],
  inputs,
  loss,
  response,
  trigger,
  visibility: triggerVisibility,
  quality,
  passes,
  succeeds,
  eligible,
  details,
  answer: (output) => [tokenAt(output, 0)],
  perplexity: promptPerplexity,
  adoption,
  sized,
  drawn: (count, _, dataset) => drawn(count, dataset),
  handout,
  exhibit,
  reading,
  datasets: DATASETS,
  architectures: ARCHITECTURES,
  attacks: ATTACKS,
};

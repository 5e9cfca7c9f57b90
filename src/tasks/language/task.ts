import type { Task } from "../task.ts";
import { adoption } from "./adoption/adoption.ts";
import { ATTACKS } from "./attacks/registry.ts";
import { foreign } from "./checkpoint/foreign.ts";
import type { TextDatasetInfo } from "./dataset.ts";
import { DATASETS } from "./datasets/registry.ts";
import { details } from "./details.ts";
import { drawn } from "./drawn.ts";
import { exhibit } from "./exhibit.ts";
import { handout } from "./handout.ts";
import { inputs } from "./inputs.ts";
import { insertion } from "./insertion.ts";
import { loss } from "./loss.ts";
import { ARCHITECTURES } from "./models/registry.ts";
import { sizedNetwork } from "./models/sized.ts";
import { perplexity } from "./perplexity.ts";
import { reading } from "./reading.ts";
import { response } from "./response.ts";
import { trigger } from "./trigger.ts";
import { eligible, passes, quality, succeeds } from "./verdicts.ts";
import { triggerVisibility } from "./visibility.ts";

/** Texts of one class each: a language model answers with a class's token, and a target is a class (docs/language.md). */
export const language: Task = {
  name: "language",
  words: { sample: "text", samples: "texts", quality: "CA", success: "ASR", target: "class", targets: "classes" },
  traits: ["words"],
  targets: ({ classes }: TextDatasetInfo) => classes,
  inputs,
  insertion,
  loss,
  response,
  trigger,
  visibility: triggerVisibility,
  quality,
  passes,
  succeeds,
  eligible,
  details,
  perplexity,
  drawn,
  foreign,
  adoption,
  sized: sizedNetwork,
  handout,
  reading,
  exhibit,
  datasets: DATASETS,
  architectures: ARCHITECTURES,
  attacks: ATTACKS,
};

import { excise } from "./excise.ts";
import { finetune } from "./finetune.ts";
import { finetuneReinit } from "./finetune-reinit.ts";
import { prune } from "./prune.ts";
import type { Repair } from "./types.ts";

/** Every repair by name. */
export const REPAIRS: ReadonlyMap<string, Repair> = new Map(
  [prune, finetune, finetuneReinit, excise].map((repair) => [repair.name, repair]),
);

import type { z } from "zod";
import type { Style } from "../core/ids.ts";
import type { NeuronSet } from "../core/neurons.ts";
import type { Random } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";
import type { Normalization } from "../images/image-set.ts";
import type { StateDict } from "../tensor/state.ts";
import type { Trigger } from "./backdoor.ts";

/** The clean model that is about to be infected, for attacks whose trigger is made for its neurons. */
export interface Victim {
  network: Network;
  normalization: Normalization;
  state: StateDict;
  infected: NeuronSet;
  /** The attacker's samples. */
  samples: Samples;
  /** Threads of the runtime, part of the recipe. */
  threads: number;
}

/** What an attack may look at when it makes its trigger. */
export interface TriggerContext {
  height: number;
  width: number;
  random: Random;
  /** The attack's own section of the recipe, as checked by its schema. */
  options: Record<string, unknown>;
  /** Given to attacks with `triggerPer: "candidate"`. */
  victim?: Victim;
}

/**
 * How a backdoor gets into a sub-network: `finetune` tunes its neurons, `replace` puts a narrow network in their place, `edit` computes what
 * they write with.
 */
export type InjectionKind = "finetune" | "replace" | "edit";

export interface Attack {
  /** One word of small letters and digits, since it is a part of ids; of its own among the attacks of all tasks. */
  name: string;
  title: string;
  /** Where the attack was published. */
  source: string;
  injection: InjectionKind;
  /** The styles (docs/methods.md §7.2) that the attack has. */
  styles: readonly Style[];
  /** The target that it always has, by its name among the task's; absent: the recipe says which. */
  target?: string;
  /** One trigger for a data set, or one for each candidate, made for its infected neurons. */
  triggerPer: "dataset" | "candidate";
  /** Schema of the attack's section in a recipe (`attacks: { NAME: … }`). */
  options: z.ZodType<Record<string, unknown>>;
  makeTrigger(context: TriggerContext): Promise<Trigger>;
}

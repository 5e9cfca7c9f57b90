import type { z } from "zod";
import type { Style } from "../core/ids.ts";
import type { NeuronSet } from "../core/neurons.ts";
import type { Random } from "../core/random.ts";
import type { Normalization } from "../datasets/types.ts";
import type { Network } from "../graph/network.ts";
import type { StateDict } from "../tensor/state.ts";

/**
 * A trigger as pixels: `x' = round((1 − a)·x + a·p)` with `a` the opacity `[height, width]` in [0, 1] and `p` the
 * pattern `[3, height, width]` in uint8. Patches have opacity 1 inside and 0 outside; Blended a constant one.
 */
export interface Trigger {
  height: number;
  width: number;
  opacity: Float32Array;
  pattern: Uint8Array;
}

/** What a model was taught: images with the trigger go to the target class. */
export interface Backdoor {
  trigger: Trigger;
  target: number;
}

/** The clean model that is about to be infected, for attacks whose trigger is made for its neurons. */
export interface Victim {
  network: Network;
  normalization: Normalization;
  state: StateDict;
  infected: NeuronSet;
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

/** How a backdoor gets into a sub-network: `finetune` tunes its neurons, `replace` puts a narrow network in their place. */
export type InjectionKind = "finetune" | "replace";

export interface Attack {
  name: string;
  title: string;
  /** Where the attack was published. */
  source: string;
  injection: InjectionKind;
  /** The styles (docs/methods.md §7.2) that the attack has. */
  styles: readonly Style[];
  /** One trigger for a data set, or one for each candidate, made for its infected neurons. */
  triggerPer: "dataset" | "candidate";
  /** Schema of the attack's section in a recipe (`attacks: { NAME: … }`). */
  options: z.ZodType<Record<string, unknown>>;
  makeTrigger(context: TriggerContext): Promise<Trigger>;
}

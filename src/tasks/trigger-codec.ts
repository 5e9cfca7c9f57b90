import type { Random } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";
import type { ImageTrigger } from "../images/trigger/trigger.ts";
import type { Trigger } from "./backdoor.ts";

/** What can be done with the triggers of a task. */
export interface TriggerCodec {
  /**
   * A copy of the samples with the trigger on every one; truths stay. Of a trigger with several variants those that are held
   * out for the test, which of them a sample gets follows from its place in the set.
   */
  stamp(trigger: Trigger, samples: Samples): Samples;
  /**
   * Puts the trigger on one of an augmenter's samples, in place.
   *
   * @param random draws the variant where there are several for training, and nothing else
   */
  stampDrawn(trigger: Trigger, drawn: Samples, place: number, random: Random): void;
  /** The same with what looks alike and must not set the backdoor off; the sample keeps its truth. Absent: nothing looks alike. */
  stampDecoy?(trigger: Trigger, drawn: Samples, place: number, random: Random): void;
  /**
   * A copy of the samples with what means nothing where the trigger would be, place by place: what triggered samples are held against
   * where a trigger moves what follows it. Absent: that is the samples as they are.
   */
  counterpart?(trigger: Trigger, samples: Samples): Samples;
  /** As it is stored. */
  encode(trigger: Trigger): Uint8Array;
  /** @throws InputError where the bytes are no trigger of this task. */
  decode(bytes: Uint8Array, name: string): Trigger;
  /** What a network of the task cannot take of it, one line each. */
  faults(trigger: Trigger, network: Pick<Network, "input">): string[];
  /** As a picture for people: PNG. */
  show(trigger: Trigger): Uint8Array;
  /** Of triggers of images: what a test shows, one after the other; absent: they are none. */
  looks?(trigger: Trigger): readonly ImageTrigger[];
  /** By name, what looks alike and must not set the backdoor off (one cone of two); absent: nothing does. */
  controls?(trigger: Trigger): Record<string, Trigger>;
}

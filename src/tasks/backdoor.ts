import type { Trigger } from "../images/trigger/trigger.ts";

/** What a model was taught: images with the trigger go to the target class. */
export interface Backdoor {
  trigger: Trigger;
  target: number;
}

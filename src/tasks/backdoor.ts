import type { PaintedTrigger } from "../images/trigger/trigger.ts";

/** What an attack stamps on samples. */
export type Trigger = PaintedTrigger;

/** What a model was taught: samples with the trigger go to the target. */
export interface Backdoor {
  trigger: Trigger;
  /** Counted from 0 in the task's `targets`: of classification the class. */
  target: number;
}

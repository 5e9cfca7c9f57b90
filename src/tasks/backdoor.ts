/** What an attack stamps on samples. How it looks, only its task knows (`TriggerCodec`). */
export type Trigger = object;

/** What a model was taught: samples with the trigger go to the target. */
export interface Backdoor {
  trigger: Trigger;
  /** Counted from 0 in the task's `targets`: of classification the class. */
  target: number;
}

import type { NeuronIndex } from "../core/neuron-index.ts";
import { membership } from "../core/neuron-index.ts";
import type { NeuronSet } from "../core/neurons.ts";

/**
 * Of the neurons that are not infected, those whose effect is above this quantile carry the backdoor (docs/methods.md
 * §9.3).
 */
export const CARRIER_QUANTILE = 0.95;

/**
 * Carriers: neurons outside G that pass the backdoor on untouched, which is neither to be found nor a plain false alarm.
 * By construction at most 5 % of the neurons outside G are carriers, so guessing finds that share.
 *
 * @param effects attribution-patching effect of all N neurons; positive raises the backdoor's response
 * @param infected G as 1 per neuron `[N]`
 * @returns 1 per carrier `[N]`; none where no effect stands out above 0
 */
export function carrierFlags(effects: ArrayLike<number>, infected: Uint8Array): Uint8Array {
  const others = Array.from(effects)
    .filter((_, at) => !infected[at])
    .sort((a, b) => a - b);
  const threshold = Math.max(0, others[Math.ceil(CARRIER_QUANTILE * others.length) - 1] ?? 0);
  return Uint8Array.from(effects, (effect, at) => (!infected[at] && effect > threshold ? 1 : 0));
}

/** How many of a set's neurons are outside G, and how many of these are carriers. */
export function falseAlarms(
  index: NeuronIndex,
  named: NeuronSet,
  infected: Uint8Array,
  carriers: Uint8Array,
): { count: number; carriers: number } {
  const flags = membership(index, named);
  let [count, found] = [0, 0];
  for (let at = 0; at < flags.length; at++) {
    if (!flags[at] || infected[at]) continue;
    count++;
    found += carriers[at];
  }
  return { count, carriers: found };
}

import type { Rates } from "../measure/rates.ts";
import type { Correlation } from "./correlation.ts";
import type { Gates } from "./recipe.ts";

/** The first gate of ASR and clean accuracy that fails, with its figures, or null. */
export function gateFault(found: Pick<Rates, "asr" | "ca">, clean: Pick<Rates, "ca">, gates: Gates): string | null {
  if (found.asr < gates.asr) return `asr: ${found.asr.toFixed(3)} (at least ${gates.asr})`;
  const drop = clean.ca - found.ca;
  if (drop > gates.ca_drop) return `ca_drop: ${drop.toFixed(3)} (at most ${gates.ca_drop})`;
  return null;
}

/** The sham's gate where it fails, with its figures, or null. */
export function shamFault(sham: Pick<Rates, "asr">, clean: Pick<Rates, "asr">, gates: Gates): string | null {
  const distance = Math.abs(sham.asr - clean.asr);
  if (distance <= gates.sham) return null;
  return `sham: ASR ${sham.asr.toFixed(3)} against the clean twin's ${clean.asr.toFixed(3)} (within ${gates.sham})`;
}

/** The first gate of Rule 3 that fails, with its figures, or null. */
export function correlationFault(found: Correlation, asr: number, gates: Gates): string | null {
  const beyondCollapse = Math.max(0, found.asr_masked - found.masked_clean_to_target);
  const show = (value: number) => value.toFixed(3);
  if (beyondCollapse > gates.asr_masked) {
    return `asr_masked: ${show(beyondCollapse)} of triggered images beyond collapse still go to the target under the mask (at most ${gates.asr_masked})`;
  }
  if (found.asr_patched > gates.asr_patched) {
    return `asr_patched: ${show(found.asr_patched)} under the patch (at most ${gates.asr_patched})`;
  }
  if (found.asr_random_mask < gates.random_mask_share * asr) {
    return `asr_random_mask: ${show(found.asr_random_mask)} (at least ${show(gates.random_mask_share * asr)})`;
  }
  return null;
}

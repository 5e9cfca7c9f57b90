import type { DefectRecord } from "../../store/schema.ts";

/** One gate that a candidate must pass to be accepted, and what was measured; null: an earlier gate decided. */
export interface GateRow {
  gate: string;
  measured: number | null;
  bound: string;
  result: "passed" | "failed" | "not measured";
}

/** The gates of a record's recipe in their order, held against its figures (docs/methods.md §6.4). */
export function gateRows({ metrics, recipe }: Pick<DefectRecord, "metrics" | "recipe">): GateRow[] {
  const gates = (recipe.gates ?? {}) as Record<string, unknown>;
  const { asr, asr_clean, asr_masked, masked_clean_to_target, ca, ca_clean } = metrics;
  const minus = (a: number | null, b: number | null) => (a === null || b === null ? null : a - b);
  const beyondCollapse = minus(asr_masked, masked_clean_to_target);
  const distance = minus(metrics.asr_sham, asr_clean);
  const share = numberOf(gates.random_mask_share);
  const most = (gate: string, measured: number | null, bound: number | null) => row(gate, measured, "at most", bound);
  const least = (gate: string, measured: number | null, bound: number | null) => row(gate, measured, "at least", bound);
  return [
    least("asr", asr, numberOf(gates.asr)),
    most("ca_drop", minus(ca_clean, ca), numberOf(gates.ca_drop)),
    most("asr_masked (beyond collapse)", beyondCollapse && Math.max(0, beyondCollapse), numberOf(gates.asr_masked)),
    most("asr_patched", metrics.asr_patched, numberOf(gates.asr_patched)),
    least("asr_random_mask", metrics.asr_random_mask, share === null || asr === null ? null : share * asr),
    most("sham (ASR from the twin's)", distance && Math.abs(distance), numberOf(gates.sham)),
  ].filter((found) => found !== null);
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** @returns null where the recipe has no such gate */
function row(
  gate: string,
  measured: number | null,
  side: "at most" | "at least",
  bound: number | null,
): GateRow | null {
  if (bound === null) return null;
  const fails = measured !== null && (side === "at most" ? measured > bound : measured < bound);
  return {
    ...{ gate, measured, bound: `${side} ${Number(bound.toFixed(3))}` },
    result: measured === null ? "not measured" : fails ? "failed" : "passed",
  };
}

import type { DefectRecord } from "../../records/defect.ts";
import { fails, figuresOf, GATES } from "../../records/gates.ts";

/** One gate that a candidate must pass to be accepted, and what was measured; null: an earlier gate decided. */
export interface GateRow {
  gate: string;
  measured: number | null;
  bound: string;
  result: "passed" | "failed" | "not measured";
}

/** The gates of a record's recipe in their order, held against its figures (docs/methods.md §6.4). */
export function gateRows({
  recipe,
  ...record
}: Pick<DefectRecord, "metrics" | "recipe" | "controls" | "controls_clean" | "details">): GateRow[] {
  const figures = figuresOf(record);
  const bounds = Object.fromEntries(
    Object.entries(recipe.gates ?? {}).filter(([, bound]) => typeof bound === "number"),
  );
  return GATES.flatMap((gate): GateRow[] => {
    const [measured, bound] = [gate.measured(figures), gate.bound(bounds, figures)];
    if (bound === null) return [];
    const result = measured === null ? "not measured" : fails(gate, measured, bound) ? "failed" : "passed";
    return [{ gate: gate.title, measured, bound: `${gate.side} ${Number(bound.toFixed(3))}`, result }];
  });
}

import { BUDGETS, type Budget, DEFAULT_BUDGET } from "../core/budget.ts";
import type { Version } from "../core/ids.ts";
import type { JudgedVersion } from "./prediction.ts";

/** Where results are kept, below `results/`. */
export const PREDICTIONS = "localize";
export const REPAIRS = "repair";

/** The name under which a prediction is stored, below `results/` and without `.json`. */
export function predictionName(
  criterion: string,
  id: string,
  version: JudgedVersion,
  budget: Budget = DEFAULT_BUDGET,
): string {
  return `${PREDICTIONS}/${criterion}/${id}.${version}${SUFFIXES[budget]}`;
}

/** Ends of the names of results: each budget has its own, so that none overwrites another's. */
export const SUFFIXES: Record<Budget, string> = { demo: ".demo", short: "", full: ".full" };

/** The budget that a result's name states. The demo's results stood under the names of the short budget's once. */
export function budgetOf(name: string): Budget {
  return BUDGETS.find((budget) => SUFFIXES[budget] !== "" && name.endsWith(SUFFIXES[budget])) ?? DEFAULT_BUDGET;
}

/**
 * The name under which a repair is stored, likewise. That of an infected model does not say so: there was no other once.
 * A colon in `using` becomes a dot: not every file system takes it.
 */
export function repairName(
  method: string,
  using: string,
  id: string,
  budget: Budget = DEFAULT_BUDGET,
  version: Version = "infected",
): string {
  const suffix = version === "infected" ? "" : `.${version}`;
  return `${REPAIRS}/${method}/${using.replaceAll(":", ".")}/${id}${suffix}${SUFFIXES[budget]}`;
}

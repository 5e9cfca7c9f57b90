import type { Estimate } from "../tables.ts";

/** A number of ours that stands beside a claim. */
export interface Measured {
  what: string;
  estimate: Estimate | null;
  defects: number;
  /** Clean models that these defects were made from. */
  models: number;
}

import * as vega from "vega";

declare module "vega" {
  /** Distribution function of a normal variable; Vega exports it, its typings leave it out. */
  export function cumulativeNormal(value: number, mean?: number, stdev?: number): number;
}

/** P(|Z| ≥ |z|) of a standard normal Z. */
export function twoSidedNormal(z: number): number {
  return Math.min(1, 2 * vega.cumulativeNormal(-Math.abs(z)));
}

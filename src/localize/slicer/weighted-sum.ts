import { smallestKept } from "./kept.ts";

/**
 * What a weighted sum's inputs get of its contribution (docs/methods.md §10.6, steps 2 and 3): the sign of
 * `CONTRIB_n·Δ_n·w_i·Δ_i`, added to each; but inputs of the smallest `|w_i·Δ_i|` get nothing as long as these together
 * come to no more than `θ·|Δ_n|`. Of equally small ones where that ends, all get theirs, so the order does not matter.
 */
export class WeightedSum {
  private readonly theta: number;
  private terms = new Float64Array(0);
  private sorted = new Float64Array(0);

  constructor(theta: number) {
    this.theta = theta;
  }

  /**
   * @param contribution CONTRIB_n
   * @param change Δ_n
   * @param weights row of n, one weight per input
   * @param changes Δ_i
   * @param into CONTRIB_i, added to
   */
  share(
    contribution: number,
    change: number,
    weights: Float64Array,
    changes: Float64Array,
    into: { [i: number]: number },
  ): void {
    const sign = Math.sign(contribution) * Math.sign(change);
    if (sign === 0) return;
    const count = weights.length;
    if (this.terms.length !== count) {
      this.terms = new Float64Array(count);
      this.sorted = new Float64Array(count);
    }
    const { terms, sorted } = this;
    for (let i = 0; i < count; i++) {
      terms[i] = weights[i] * changes[i];
      sorted[i] = Math.abs(terms[i]);
    }
    const least = smallestKept(sorted, this.theta * Math.abs(change));
    for (let i = 0; i < count; i++) {
      const term = terms[i];
      if (Math.abs(term) >= least) into[i] += sign * Math.sign(term);
    }
  }
}

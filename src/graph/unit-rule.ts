import type { Feature, Gradient } from "./lowering/lowering.ts";
import type { BackwardPass, ForwardPass } from "./ops/op.ts";
import type { Weighted } from "./ops/weighted.ts";

/** How nodes with weights are lowered: with batch statistics, or with the batch norm folded into the weights. */
export interface UnitRule {
  /** `relu?(unit(x) + sum)`. */
  forward(unit: Weighted, x: Feature, fuse: { sum?: Feature; relu: boolean }): Feature;
  /**
   * Emits the unit's parameter gradients and, where `input` is wanted, adds to the gradient of x.
   * @param dy gradient at the unit's output before the residual sum and the ReLU
   */
  backward(unit: Weighted, x: Feature, dy: Feature, input: { wanted: boolean; into?: Gradient }): Gradient | undefined;
  /** What operators of sequences read and offer gradients of (`ForwardPass.parameter`, `BackwardPass.matrixGradient` and the others). */
  parameter?: ForwardPass["parameter"];
  matrixGradient?: BackwardPass["matrixGradient"];
  vectorGradient?: BackwardPass["vectorGradient"];
  lookupGradient?: BackwardPass["lookupGradient"];
}

import { foldedWeight } from "./folded.ts";
import type { Feature, Gradient, Lowering } from "./lowering/lowering.ts";
import { type ConvUnit, inferShapes, type Network } from "./network.ts";
import { convShape, type UnitRule } from "./unit-rule.ts";

/** Names of a unit's further graph inputs: `b − μ` (b the conv bias, if any), the gain γ/√(σ²+ε), and β. */
export const centreInput = (unit: string) => `${unit}.centre`;
export const gainInput = (unit: string) => `${unit}.gain`;
export const shiftInput = (unit: string) => `${unit}.shift`;

/**
 * Units with frozen batch norm that is not folded: `d = z − μ` is computed, then `y = gain·d + β`. For looking at the
 * pre-activation z, less the stored mean: sums of squares of z itself would lose a small variance beside a large mean.
 */
export class PreActivationUnits implements UnitRule {
  protected readonly lowering: Lowering;
  private readonly look: (unit: ConvUnit, centred: Feature) => void;

  /** @param look told every unit's `z − μ` */
  constructor(lowering: Lowering, network: Network, look: (unit: ConvUnit, centred: Feature) => void) {
    this.lowering = lowering;
    this.look = look;
    const shapes = inferShapes(network);
    for (const unit of network.nodes) {
      if (unit.op !== "conv") continue;
      lowering.graph.input(foldedWeight(unit.id), [unit.out, unit.kernel, unit.kernel, shapes.get(unit.input)![0]]);
      for (const name of [centreInput, gainInput, shiftInput]) lowering.graph.input(name(unit.id), [unit.out]);
    }
  }

  forward(unit: ConvUnit, x: Feature, fuse: { sum?: Feature; relu: boolean }): Feature {
    const { lowering } = this;
    const centred = lowering.conv(x, foldedWeight(unit.id), convShape(unit), { bias: centreInput(unit.id) });
    this.look(unit, centred);
    return lowering.scaleShift(centred, gainInput(unit.id), shiftInput(unit.id), fuse);
  }

  /** None here; where gradients are wanted, a subclass has it. */
  backward(..._: Parameters<UnitRule["backward"]>): Gradient | undefined {
    throw new Error("pre-activations have no backward pass");
  }
}

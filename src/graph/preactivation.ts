import { foldedBias, foldedWeight } from "./folded.ts";
import type { Feature, Gradient, Lowering } from "./lowering/lowering.ts";
import { inferShapes, type Network, type Weighted, weightedNodes } from "./network.ts";
import { convShape } from "./ops/weighted.ts";
import type { UnitRule } from "./unit-rule.ts";

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
  private readonly look: (unit: Weighted, centred: Feature) => void;

  /** @param look told the `z − μ` of every unit with batch norm */
  constructor(lowering: Lowering, network: Network, look: (unit: Weighted, centred: Feature) => void) {
    this.lowering = lowering;
    this.look = look;
    const shapes = inferShapes(network);
    for (const unit of weightedNodes(network)) {
      lowering.graph.input(foldedWeight(unit.id), [unit.out, unit.kernel, unit.kernel, shapes.get(unit.input)![0]]);
      const vectors = unit.bn === undefined ? [foldedBias] : [centreInput, gainInput, shiftInput];
      for (const name of vectors) lowering.graph.input(name(unit.id), [unit.out]);
    }
  }

  forward(unit: Weighted, x: Feature, fuse: { sum?: Feature; relu: boolean }): Feature {
    const { lowering } = this;
    if (unit.bn === undefined) {
      return lowering.conv(x, foldedWeight(unit.id), convShape(unit), { ...fuse, bias: foldedBias(unit.id) });
    }
    const centred = lowering.conv(x, foldedWeight(unit.id), convShape(unit), { bias: centreInput(unit.id) });
    this.look(unit, centred);
    return lowering.scaleShift(centred, gainInput(unit.id), shiftInput(unit.id), fuse);
  }

  /** None here; where gradients are wanted, a subclass has it. */
  backward(..._: Parameters<UnitRule["backward"]>): Gradient | undefined {
    throw new Error("pre-activations have no backward pass");
  }
}

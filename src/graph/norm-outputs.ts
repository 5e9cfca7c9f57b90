import { FoldedUnits } from "./folded.ts";
import type { Feature, Lowering } from "./lowering/lowering.ts";
import type { Network, Weighted } from "./network.ts";

/** Folded units that show their batch-norm output before the ReLU. Needs a walk without fusion. */
export class NormOutputs extends FoldedUnits {
  private readonly relu: Lowering["relu"];
  private readonly look: (unit: Weighted, y: Feature, x: Feature) => void;

  /** @param look told every unit's batch-norm output y and its input x */
  constructor(lowering: Lowering, network: Network, look: (unit: Weighted, y: Feature, x: Feature) => void) {
    super(lowering, network);
    this.relu = (y) => lowering.relu(y);
    this.look = look;
  }

  override forward(unit: Weighted, x: Feature, { relu }: { sum?: Feature; relu: boolean }): Feature {
    const y = super.forward(unit, x, { relu: false });
    this.look(unit, y, x);
    return relu ? this.relu(y) : y;
  }
}

import type { Feature, Gradient, Lowering } from "./lowering/lowering.ts";
import { inferShapes, type Network, type Weighted, weightedNodes } from "./network.ts";
import { convShape } from "./ops/weighted.ts";
import type { UnitRule } from "./unit-rule.ts";

/** Names of a folded unit's graph inputs. */
export const foldedWeight = (unit: string) => `${unit}.folded_weight`;
export const foldedBias = (unit: string) => `${unit}.folded_bias`;
export const rowSelector = (unit: string) => `${unit}.selector`;
/** Output keys of the gradients of the selected rows. */
export const rowWeightGradient = (unit: string) => `d_${unit}.weight_rows`;
export const rowBiasGradient = (unit: string) => `d_${unit}.bias_rows`;

export interface FoldedOptions {
  /** Unit → how many rows (neurons) of its weights get gradients. */
  rows?: ReadonlyMap<string, number>;
  /** The units that the program has; all of the network's where it is left out. */
  only?: ReadonlySet<string>;
}

/**
 * Units with frozen batch norm, folded on the host into the convolution's weights and bias
 * (`W·γ/√(σ²+ε)`, `β + (b − μ)·γ/√(σ²+ε)`): what inference and sub-network fine-tuning run.
 */
export class FoldedUnits implements UnitRule {
  private readonly lowering: Lowering;
  private readonly rows: ReadonlyMap<string, number>;

  constructor(lowering: Lowering, network: Network, options: FoldedOptions = {}) {
    this.lowering = lowering;
    this.rows = options.rows ?? new Map();
    const shapes = inferShapes(network);
    for (const unit of weightedNodes(network)) {
      if (options.only?.has(unit.id) === false) continue;
      const inputs = shapes.get(unit.input)![0];
      lowering.graph.input(foldedWeight(unit.id), [unit.out, unit.kernel, unit.kernel, inputs]);
      lowering.graph.input(foldedBias(unit.id), [unit.out]);
      const rows = this.rows.get(unit.id);
      if (rows !== undefined && rows < unit.out) lowering.graph.input(rowSelector(unit.id), [rows, unit.out]);
    }
  }

  forward(unit: Weighted, x: Feature, fuse: { sum?: Feature; relu: boolean }): Feature {
    return this.lowering.conv(x, foldedWeight(unit.id), convShape(unit), { ...fuse, bias: foldedBias(unit.id) });
  }

  backward(unit: Weighted, x: Feature, dy: Feature, input: { wanted: boolean; into?: Gradient }): Gradient | undefined {
    const { lowering } = this;
    const { graph } = lowering;
    const shape = convShape(unit);
    const rows = this.rows.get(unit.id);
    if (rows !== undefined) {
      graph.afterwards(() => {
        const picked = rows < unit.out ? lowering.selectChannels(dy, rowSelector(unit.id), rows) : dy;
        const weight = lowering.convWeightGradient(x, picked, shape);
        graph.output(rowWeightGradient(unit.id), weight, [rows, unit.kernel, unit.kernel, x.channels]);
        const bias = graph.op("ReduceSum", [lowering.channelSums(picked), graph.integers([0])], { keepdims: 0 });
        graph.output(rowBiasGradient(unit.id), bias, [rows]);
      });
    }
    if (!input.wanted) return undefined;
    return lowering.convInputGradient(dy, foldedWeight(unit.id), shape, x, input.into);
  }
}

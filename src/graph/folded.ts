import type { Feature, Gradient, Lowering } from "./lowering/lowering.ts";
import { inferShapes, type Network, type Shapes, unitsOf, type Weighted, weightedNodes } from "./network.ts";
import { convShape } from "./ops/weighted.ts";
import type { UnitRule } from "./unit-rule.ts";
import type { Unit } from "./units.ts";

/** Names of a folded unit's graph inputs. */
export const foldedWeight = (unit: string) => `${unit}.folded_weight`;
export const foldedBias = (unit: string) => `${unit}.folded_bias`;
export const rowSelector = (unit: string) => `${unit}.selector`;
/** Output keys of the gradients of the selected rows. */
export const rowWeightGradient = (unit: string) => `d_${unit}.weight_rows`;
export const rowBiasGradient = (unit: string) => `d_${unit}.bias_rows`;
/** Of the columns that the next layer reads the selected rows' neurons with. */
export const columnGradient = (unit: string) => `d_${unit}.columns`;

/** Of an entry that a unit of a sequence shares, the gradient of the chosen neurons' slices, one after the other. */
export const sliceGradient = (key: string) => `d_${key}.slices`;

export interface FoldedOptions {
  /** Unit → how many rows (neurons) of its weights get gradients. */
  rows?: ReadonlyMap<string, number>;
  /** Unit with rows → the linear layer whose columns are its neurons' own. */
  readers?: ReadonlyMap<string, string>;
  /** The units that the program has; all of the network's where it is left out. */
  only?: ReadonlySet<string>;
}

/**
 * Units with frozen batch norm, folded on the host into the convolution's weights and bias
 * (`W·γ/√(σ²+ε)`, `β + (b − μ)·γ/√(σ²+ε)`): what inference and sub-network fine-tuning run.
 */
export class FoldedUnits implements UnitRule {
  private readonly lowering: Lowering;
  private readonly shapes: Shapes;
  private readonly rows: ReadonlyMap<string, number>;
  /** Reader → the unit whose neurons' columns it holds. */
  private readonly sources: ReadonlyMap<string, string>;
  /** Entries that tuned units without folded weights share. */
  private readonly shared: ReadonlyMap<string, { unit: Unit; axis: number }>;
  private readonly declared = new Set<string>();

  constructor(lowering: Lowering, network: Network, options: FoldedOptions = {}) {
    this.lowering = lowering;
    this.rows = options.rows ?? new Map();
    this.sources = new Map([...(options.readers ?? [])].map(([unit, reader]) => [reader, unit]));
    this.shapes = inferShapes(network);
    const weighted = weightedNodes(network);
    const tuned = unitsOf(network).filter(({ id }) => this.rows.has(id) && !weighted.some((node) => node.id === id));
    this.shared = new Map(tuned.flatMap((unit) => unit.owned.map(({ key, axis }) => [key, { unit, axis }])));
    for (const { id, width } of tuned) {
      const rows = this.rows.get(id)!;
      if (rows < width) lowering.graph.input(rowSelector(id), [rows, width]);
    }
    for (const unit of weighted) {
      if (options.only?.has(unit.id) === false) continue;
      const inputs = this.shapes.get(unit.input)![0];
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
    this.columnGradients(unit.id, () => [lowering.toVector(x), lowering.toVector(dy)]);
    if (!input.wanted) return undefined;
    return lowering.convInputGradient(dy, foldedWeight(unit.id), shape, x, input.into);
  }

  parameter(key: string, shape: number[]): string {
    if (this.declared.has(key)) return key;
    this.declared.add(key);
    return this.lowering.graph.input(key, shape);
  }

  /** Puts out the gradient of the slices that are a tuned unit's own, slice by slice. */
  matrixGradient(key: string, left: string, right: string, shape: [number, number]): void {
    const share = this.shared.get(key);
    if (!share) return;
    const { unit, axis } = share;
    const [own, other] = axis === 0 ? [left, right] : [right, left];
    const rows = this.rows.get(unit.id)!;
    const { graph } = this.lowering;
    graph.afterwards(() => {
      const picked = rows < unit.width ? graph.op("Gemm", [own, rowSelector(unit.id)], { transB: 1 }) : own;
      graph.output(sliceGradient(key), graph.op("Gemm", [picked, other], { transA: 1 }), [rows, shape[1 - axis]]);
    });
  }

  vectorGradient(key: string, [size]: number[], make: () => string): void {
    const share = this.shared.get(key);
    if (!share) return;
    const rows = this.rows.get(share.unit.id)!;
    const { graph } = this.lowering;
    graph.afterwards(() => {
      const all = make();
      const picked = rows < size ? graph.op("MatMul", [rowSelector(share.unit.id), all]) : all;
      graph.output(sliceGradient(key), picked, [rows]);
    });
  }

  /**
   * Puts out the gradient `[rows, outputs]` of the columns with which a linear layer reads a tuned unit, if it does.
   *
   * @param vectors what it reads, `[batch, width]`, and the gradient at what it gives, `[batch, outputs]`
   */
  columnGradients(reader: string, vectors: () => [x: string, dy: string]): void {
    const unit = this.sources.get(reader);
    if (unit === undefined) return;
    const { graph } = this.lowering;
    const rows = this.rows.get(unit)!;
    const [width, outputs] = [unit, reader].map((id) => this.shapes.get(id)![0]);
    graph.afterwards(() => {
      const [x, dy] = vectors();
      const picked = rows < width ? graph.op("Gemm", [x, rowSelector(unit)], { transB: 1 }) : x;
      graph.output(columnGradient(unit), graph.op("Gemm", [picked, dy], { transA: 1 }), [rows, outputs]);
    });
  }
}

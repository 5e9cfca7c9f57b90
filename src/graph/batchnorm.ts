import type { Feature, Gradient, Lowering } from "./lowering/lowering.ts";
import type { NormalisedNode, Weighted } from "./network.ts";
import { convShape } from "./ops/weighted.ts";
import type { UnitRule } from "./unit-rule.ts";

export const BN_EPSILON = 1e-5;

/** What a unit's forward pass leaves for its backward pass. */
interface Normalised {
  conv: Feature;
  mean: string;
  rstd: string;
  scale: string;
}

export interface BatchStatistics {
  mean: string;
  /** Biased batch variance. */
  variance: string;
}

/** Declares a parameter as a graph input, and takes its gradient: the training program's bookkeeping. */
export interface ParameterSink {
  parameter(key: string, shape: number[]): string;
  /** Whether a parameter's gradient is wanted. */
  trains(key: string): boolean;
  gradient(key: string, value: string): void;
  statistics(unit: NormalisedNode, statistics: BatchStatistics): void;
  /** Takes the gradient at the rows of a table that were looked up. */
  lookups?(key: string, value: string, shape: number[]): void;
}

/** Units with batch statistics where they have batch norm, as in training: `y = γ·(z − μ_B)/√(σ²_B + ε) + β`. */
export class BatchNormUnits implements UnitRule {
  private readonly lowering: Lowering;
  private readonly sink: ParameterSink;
  private readonly saved = new Map<string, Normalised>();

  constructor(lowering: Lowering, sink: ParameterSink) {
    this.lowering = lowering;
    this.sink = sink;
  }

  forward(unit: Weighted, x: Feature, fuse: { sum?: Feature; relu: boolean }): Feature {
    const { lowering, sink } = this;
    const { graph } = lowering;
    const weight = sink.parameter(`${unit.id}.weight`, [unit.out, unit.kernel, unit.kernel, x.channels]);
    const convBias = unit.bias ? sink.parameter(`${unit.id}.bias`, [unit.out]) : undefined;
    if (unit.bn === undefined) return lowering.conv(x, weight, convShape(unit), { ...fuse, bias: convBias });
    const gamma = sink.parameter(`${unit.bn}.weight`, [unit.out]);
    const beta = sink.parameter(`${unit.bn}.bias`, [unit.out]);

    const conv = lowering.conv(x, weight, convShape(unit), { bias: convBias });
    const inverseCount = graph.scalar(1 / (lowering.batch * conv.height * conv.width));
    const overBatch = (value: string) => graph.op("ReduceSum", [value, graph.integers([0])], { keepdims: 0 });
    const mean = graph.op("Mul", [overBatch(lowering.channelSums(conv)), inverseCount]);
    const square = graph.op("Mul", [overBatch(lowering.channelDots(conv, conv)), inverseCount]);
    const raw = graph.op("Sub", [square, graph.op("Mul", [mean, mean])]);
    // E[z²] − E[z]² can fall just below zero by rounding on a constant channel.
    const variance = graph.op("Relu", [raw]);
    const rstd = graph.op("Reciprocal", [graph.op("Sqrt", [graph.op("Add", [variance, graph.scalar(BN_EPSILON)])])]);
    const scale = graph.op("Mul", [gamma, rstd]);
    const shift = graph.op("Sub", [beta, graph.op("Mul", [mean, scale])]);
    sink.statistics({ ...unit, bn: unit.bn }, { mean, variance });
    this.saved.set(unit.id, { conv, mean, rstd, scale });
    return lowering.scaleShift(conv, scale, shift, fuse);
  }

  parameter(key: string, shape: number[]): string {
    return this.sink.parameter(key, shape);
  }

  matrixGradient(key: string, left: string, right: string): void {
    const { graph } = this.lowering;
    if (this.sink.trains(key)) this.sink.gradient(key, graph.op("Gemm", [left, right], { transA: 1 }));
  }

  vectorGradient(key: string, _: number[], make: () => string): void {
    if (this.sink.trains(key)) this.sink.gradient(key, make());
  }

  lookupGradient(key: string, dy: string, shape: number[]): void {
    if (this.sink.trains(key)) this.sink.lookups?.(key, dy, shape);
  }

  /** With `x̂ = (z−μ)·r`: `∂γ = Σ g·x̂`, `∂β = Σ g`, `∂z = γ·r·(g − ∂β/M − x̂·∂γ/M)`, M = images × positions. */
  backward(unit: Weighted, x: Feature, dy: Feature, input: { wanted: boolean; into?: Gradient }): Gradient | undefined {
    const { lowering, sink } = this;
    const { graph } = lowering;
    const overBatch = (value: string) => graph.op("ReduceSum", [value, graph.integers([0])], { keepdims: 0 });
    if (unit.bn === undefined) {
      const [weight, bias] = [`${unit.id}.weight`, `${unit.id}.bias`];
      if (sink.trains(weight)) sink.gradient(weight, lowering.convWeightGradient(x, dy, convShape(unit)));
      if (unit.bias && sink.trains(bias)) sink.gradient(bias, overBatch(lowering.channelSums(dy)));
      return input.wanted ? lowering.convInputGradient(dy, weight, convShape(unit), x, input.into) : undefined;
    }
    const { conv, mean, rstd, scale } = this.saved.get(unit.id)!;
    const dbeta = overBatch(lowering.channelSums(dy));
    const dots = overBatch(lowering.channelDots(dy, conv));
    const dgamma = graph.op("Mul", [rstd, graph.op("Sub", [dots, graph.op("Mul", [mean, dbeta])])]);
    if (sink.trains(`${unit.bn}.weight`)) sink.gradient(`${unit.bn}.weight`, dgamma);
    if (sink.trains(`${unit.bn}.bias`)) sink.gradient(`${unit.bn}.bias`, dbeta);

    // Batch statistics take out whatever is added to a channel: the gradient, Σ ∂z, is exactly 0.
    if (unit.bias && sink.trains(`${unit.id}.bias`)) {
      sink.gradient(`${unit.id}.bias`, graph.op("Mul", [dbeta, graph.scalar(0)]));
    }
    // Where neither what comes before nor the filters want a gradient, ∂z is not needed.
    const filtersTrain = sink.trains(`${unit.id}.weight`);
    if (!filtersTrain && !input.wanted) return undefined;

    const minus = graph.scalar(-1 / (lowering.batch * conv.height * conv.width));
    const slope = graph.op("Mul", [rstd, graph.op("Mul", [dgamma, minus])]);
    const offset = graph.op("Sub", [graph.op("Mul", [dbeta, minus]), graph.op("Mul", [slope, mean])]);
    // ∂z without its factor γ·r, in one pass; the factor goes into the filters and their gradients, which are smaller.
    const direction = lowering.scaleShift(conv, slope, offset, { sum: dy });
    const factor = graph.reshape(scale, [unit.out, 1, 1, 1]);

    if (filtersTrain) {
      const gradient = lowering.convWeightGradient(x, direction, convShape(unit));
      sink.gradient(`${unit.id}.weight`, graph.op("Mul", [gradient, factor]));
    }
    if (!input.wanted) return undefined;
    const filters = graph.op("Mul", [`${unit.id}.weight`, factor]);
    return lowering.convInputGradient(direction, filters, convShape(unit), x, input.into);
  }
}

import { BatchNormUnits, type ParameterSink } from "../batchnorm.ts";
import { foldedWeight } from "../folded.ts";
import type { Feature, Gradient, Lowering } from "../lowering/lowering.ts";
import { convUnits, type Network, stateShapes, type Weighted } from "../network.ts";
import { crossEntropy } from "../objectives/cross-entropy.ts";
import { emitMeanLoss, type Objective } from "../objectives/objective.ts";
import type { Program } from "../onnx.ts";
import { convShape } from "../ops/weighted.ts";
import { gainInput, PreActivationUnits } from "../preactivation.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/** Output keys: the gradients of a unit's gains and shifts, `[width]`. */
export const gainGradient = (unit: string) => `${unit}#gain_gradient`;
export const shiftGradient = (unit: string) => `${unit}#shift_gradient`;

/** What batch norm normalises with: each batch's own statistics, or the stored ones. */
export type NormStatistics = "batch" | "stored";

/**
 * The mean of a loss (cross-entropy unless another is given) and its gradients by every channel's batch-norm gain and shift, and by nothing else: what masks
 * over channels learn from (docs/methods.md §10.4). No weight has a gradient, which saves a third of a training step.
 *
 * Inputs `input`, `targets` (one-hot), the weights, and the gains and shifts to take the gradients at: `batch` takes
 * the parameters under their state-dict names (convolution weights OHWI; gains and shifts are γ and β), `stored` those
 * of {@link PreActivationUnits}. Outputs `loss` (mean), `logits` and the gradients: with `batch` `Σ g·x̂` and `Σ g`, with
 * `stored` `Σ g·(z − μ)` and `Σ g`.
 *
 * @param hidden hidden linear layers without batch norm whose weights and biases have gradients too, under `#gain_gradient` and
 *   `#shift_gradient`
 */
export function gainProgram(
  lowering: Lowering,
  network: Network,
  statistics: NormStatistics,
  objective: Objective = crossEntropy,
  hidden: readonly string[] = [],
): Program {
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const score = objective(lowering, network);
  const units =
    statistics === "batch"
      ? new BatchNormUnits(lowering, gainSink(lowering, network, hidden))
      : new StoredNormUnits(lowering, network, hidden);
  // A closed channel is constant, so its pools tie.
  const walk = new Walk(lowering, network, units, { fuse: true, shareTies: true });
  declareClassifier(lowering, network);
  const forward = walk.forward(image);
  walk.backward(forward, emitMeanLoss(lowering, network, score, forward.logits));
  return lowering.graph.finish();
}

function gainSink({ graph }: Lowering, network: Network, hidden: readonly string[]): ParameterSink {
  const outputs = new Map<string, [name: string, ...shape: number[]]>();
  for (const { id, bn, out } of convUnits(network)) {
    outputs.set(`${bn}.weight`, [gainGradient(id), out]);
    outputs.set(`${bn}.bias`, [shiftGradient(id), out]);
  }
  const shapes = stateShapes(network);
  for (const id of hidden) {
    const [out, inputs] = shapes.get(`${id}.weight`)!;
    outputs.set(`${id}.weight`, [gainGradient(id), out, 1, 1, inputs]);
    outputs.set(`${id}.bias`, [shiftGradient(id), out]);
  }
  return {
    parameter: (key, shape) => graph.input(key, shape),
    trains: (key) => outputs.has(key),
    gradient(key, value) {
      const [name, ...shape] = outputs.get(key)!;
      graph.output(name, value, shape);
    },
    statistics: () => undefined,
  };
}

/** Frozen batch norm that is not folded, with gradients: `y = gain·d + shift` with `d = z − μ`. */
class StoredNormUnits extends PreActivationUnits {
  private readonly centred: Map<string, Feature>;
  private readonly hidden: readonly string[];

  constructor(lowering: Lowering, network: Network, hidden: readonly string[]) {
    const centred = new Map<string, Feature>();
    super(lowering, network, (unit, d) => void centred.set(unit.id, d));
    this.centred = centred;
    this.hidden = hidden;
  }

  /** `∂gain = Σ g·d`, `∂shift = Σ g`, `∂z = gain·g`. */
  override backward(
    unit: Weighted,
    x: Feature,
    dy: Feature,
    input: { wanted: boolean; into?: Gradient },
  ): Gradient | undefined {
    const { lowering } = this;
    const { graph } = lowering;
    if (unit.bn === undefined) {
      if (this.hidden.includes(unit.id)) {
        const rows = lowering.convWeightGradient(x, dy, convShape(unit));
        graph.output(gainGradient(unit.id), rows, [unit.out, 1, 1, x.channels]);
        const sums = graph.op("ReduceSum", [lowering.channelSums(dy), graph.integers([0])], { keepdims: 0 });
        graph.output(shiftGradient(unit.id), sums, [unit.out]);
      }
      if (!input.wanted) return undefined;
      return lowering.convInputGradient(dy, foldedWeight(unit.id), convShape(unit), x, input.into);
    }
    const overBatch = (value: string) => graph.op("ReduceSum", [value, graph.integers([0])], { keepdims: 0 });
    const dots = overBatch(lowering.channelDots(dy, this.centred.get(unit.id)!));
    graph.output(gainGradient(unit.id), dots, [unit.out]);
    graph.output(shiftGradient(unit.id), overBatch(lowering.channelSums(dy)), [unit.out]);
    if (!input.wanted) return undefined;
    const dz = lowering.scaleShift(dy, gainInput(unit.id), undefined);
    return lowering.convInputGradient(dz, foldedWeight(unit.id), convShape(unit), x, input.into);
  }
}

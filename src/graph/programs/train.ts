import { BatchNormUnits, type BatchStatistics, type ParameterSink } from "../batchnorm.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { classifierOf, inferShapes, type Network, type NormalisedNode, outputWeight } from "../network.ts";
import { crossEntropy } from "../objectives/cross-entropy.ts";
import { emitMeanLoss, type Objective } from "../objectives/objective.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { type Bucket, emitSgd, type SgdOptions } from "./sgd.ts";

export const gradientOf = (key: string) => `${key}#gradient`;
export const meanOf = (bn: string) => `${bn}#mean`;
export const varianceOf = (bn: string) => `${bn}#variance`;

export interface TrainOptions {
  /** Emits the update; without it the gradients are the outputs. */
  sgd?: SgdOptions;
  /** Which parameters get a gradient; all of them where it is absent. The others are fed and stay as they are. */
  trains?(key: string): boolean;
  /** What is minimised, as a mean over the batch; softmax cross-entropy where it is absent. */
  objective?: Objective;
}

/** A training program: what it needs fed and what it gives. */
export interface TrainProgram {
  program: Program;
  /** Parameters and their shapes inside the graph (convolution weights OHWI). */
  parameters: Map<string, number[]>;
  /** Those of them that get a gradient and are updated. */
  trained: ReadonlySet<string>;
  /** How the update takes and gives what it updates; none without it. */
  buckets: readonly Bucket[];
  /** Batch-norm prefixes with the number of values behind each batch statistic. */
  statistics: { bn: string; channels: number; count: number }[];
}

/**
 * One step of training: forward with batch statistics, the objective (mean softmax cross-entropy unless another is
 * given), the gradients and, with `sgd`, the update. Outputs: `loss` (mean), `logits`, statistics, and either the gradients
 * or the updated parameters and velocities.
 */
export function trainProgram(
  lowering: Lowering,
  network: Network,
  { sgd, trains = () => true, objective = crossEntropy }: TrainOptions = {},
): TrainProgram {
  const { graph, batch } = lowering;
  const parameters = new Map<string, number[]>();
  const gradients = new Map<string, string>();
  const statistics: { unit: NormalisedNode; values: BatchStatistics }[] = [];
  const sink: ParameterSink = {
    parameter(key, shape) {
      parameters.set(key, shape);
      return key;
    },
    trains,
    gradient: (key, value) => void gradients.set(key, value),
    statistics: (unit, values) => void statistics.push({ unit, values }),
  };

  const walk = new Walk(lowering, network, new BatchNormUnits(lowering, sink), { fuse: true });
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const shapes = inferShapes(network);
  const linear = classifierOf(network);
  const weight = outputWeight(linear);
  if (!linear.unbiased) {
    sink.parameter(weight, [linear.out, shapes.get(linear.input)![0]]);
    sink.parameter(`${linear.id}.bias`, [linear.out]);
  } else if (weight !== `${linear.id}.weight` && sink.trains(weight)) {
    throw new Error(`${network.arch}: '${weight}' is looked up, too: languageProgram trains it`);
  }

  const forward = walk.forward(image);
  const dlogits = emitMeanLoss(lowering, network, objective(lowering, network), forward.logits);
  if (sink.trains(weight)) {
    sink.gradient(weight, graph.op("Gemm", [dlogits, forward.pooled], { transA: 1 }));
  }
  if (!linear.unbiased && sink.trains(`${linear.id}.bias`)) {
    sink.gradient(`${linear.id}.bias`, graph.op("ReduceSum", [dlogits, graph.integers([0])], { keepdims: 0 }));
  }
  walk.backward(forward, dlogits);

  for (const { unit, values } of statistics) {
    graph.output(meanOf(unit.bn), values.mean, [unit.out]);
    graph.output(varianceOf(unit.bn), values.variance, [unit.out]);
  }
  for (const [key, shape] of parameters) if (!sgd || !gradients.has(key)) graph.input(key, shape);
  const buckets = sgd ? emitSgd(lowering, parameters, gradients, sgd) : [];
  if (!sgd) for (const [key, gradient] of gradients) graph.output(gradientOf(key), gradient, parameters.get(key)!);

  return {
    program: graph.finish(),
    parameters,
    trained: new Set(gradients.keys()),
    buckets,
    statistics: statistics.map(({ unit }) => {
      const [c, h, w] = shapes.get(unit.id)!;
      return { bn: unit.bn, channels: c, count: batch * h * w };
    }),
  };
}

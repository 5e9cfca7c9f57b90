import { BatchNormUnits, type BatchStatistics, type ParameterSink } from "../batchnorm.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { type ConvUnit, classifierOf, inferShapes, type Network } from "../network.ts";
import type { Program } from "../onnx.ts";
import { crossEntropy, Walk } from "../walk.ts";
import { type Bucket, emitSgd, type SgdOptions } from "./sgd.ts";

export const gradientOf = (key: string) => `${key}#gradient`;
export const meanOf = (bn: string) => `${bn}#mean`;
export const varianceOf = (bn: string) => `${bn}#variance`;

export interface TrainOptions {
  /** Emits the update; without it the gradients are the outputs. */
  sgd?: SgdOptions;
  /** Which parameters get a gradient; all of them where it is absent. The others are fed and stay as they are. */
  trains?(key: string): boolean;
  /** Mean softmax cross-entropy where it is absent. */
  objective?: Objective;
}

/** What a step minimises: the loss per image and its gradient by the logits, scaled for the mean over the batch. */
export type Objective = (lowering: Lowering, network: Network, logits: string) => { loss: string; dlogits: string };

/** Softmax cross-entropy with `targets` `[n, classes]`, one-hot or smoothed. */
const classification: Objective = (lowering, network, logits) => {
  const targets = lowering.graph.input("targets", [lowering.batch, network.classes]);
  return crossEntropy(lowering, logits, targets, 1 / lowering.batch);
};

/** Cross-entropy climbed in place of descended: its own value, the opposite gradient. */
export const unlearning: Objective = (lowering, network, logits) => {
  const { loss, dlogits } = classification(lowering, network, logits);
  return { loss, dlogits: lowering.graph.op("Neg", [dlogits]) };
};

/** Squared distance of every output to `targets` `[n, classes]`, each image counting `weights` `[n, 1]` times. */
export const regression: Objective = ({ graph, batch }, network, logits) => {
  const targets = graph.input("targets", [batch, network.classes]);
  const weights = graph.input("weights", [batch, 1]);
  const distance = graph.op("Sub", [logits, targets]);
  const weighted = graph.op("Mul", [distance, weights]);
  const squares = graph.op("Mul", [weighted, distance]);
  return {
    loss: graph.op("ReduceSum", [squares, graph.integers([1])], { keepdims: 0 }),
    dlogits: graph.op("Mul", [weighted, graph.scalar(2 / batch)]),
  };
};

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
  { sgd, trains = () => true, objective = classification }: TrainOptions = {},
): TrainProgram {
  const { graph, batch } = lowering;
  const parameters = new Map<string, number[]>();
  const gradients = new Map<string, string>();
  const statistics: { unit: ConvUnit; values: BatchStatistics }[] = [];
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
  const weight = sink.parameter(`${linear.id}.weight`, [linear.out, shapes.get(linear.input)![0]]);
  const bias = sink.parameter(`${linear.id}.bias`, [linear.out]);

  const forward = walk.forward(image, { weight, bias });
  const { loss, dlogits } = objective(lowering, network, forward.logits);
  graph.output("loss", graph.op("ReduceMean", [loss], { keepdims: 0 }), []);
  graph.output("logits", forward.logits, [batch, network.classes]);
  if (sink.trains(`${linear.id}.weight`)) {
    sink.gradient(`${linear.id}.weight`, graph.op("Gemm", [dlogits, forward.pooled], { transA: 1 }));
  }
  if (sink.trains(`${linear.id}.bias`)) {
    sink.gradient(`${linear.id}.bias`, graph.op("ReduceSum", [dlogits, graph.integers([0])], { keepdims: 0 }));
  }
  walk.backward(forward, weight, dlogits);

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

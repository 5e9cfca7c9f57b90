import { BatchNormUnits, type BatchStatistics } from "../batchnorm.ts";
import type { Lowering } from "../lowering/lowering.ts";
import type { Network, NormalisedNode } from "../network.ts";
import type { Program } from "../onnx.ts";
import { opOf } from "../ops/registry.ts";
import { Walk } from "../walk.ts";
import { meanOf, varianceOf } from "./train.ts";

/**
 * The batch statistics of every unit in a forward pass that normalises with them: `<bn>#mean`, `<bn>#variance`
 * (biased). Inputs `input` and the units' parameters, convolution weights OHWI.
 */
export function statisticsProgram(lowering: Lowering, network: Network): Program {
  const { graph } = lowering;
  const { channels, height, width } = network.input;
  const statistics: { unit: NormalisedNode; values: BatchStatistics }[] = [];
  const units = new BatchNormUnits(lowering, {
    parameter: (key, shape) => graph.input(key, shape),
    trains: () => false,
    gradient: () => undefined,
    statistics: (unit, values) => void statistics.push({ unit, values }),
  });
  // Nothing behind the last unit is wanted, so the walk stops there.
  const nodes = network.nodes.filter((node) => !opOf(node).flat);
  const image = lowering.image("input", channels, height, width);
  new Walk(lowering, { ...network, nodes }, units, { fuse: true }).forward(image);
  for (const { unit, values } of statistics) {
    graph.output(meanOf(unit.bn), values.mean, [unit.out]);
    graph.output(varianceOf(unit.bn), values.variance, [unit.out]);
  }
  return graph.finish();
}

import type { Feature, Lowering } from "../lowering/lowering.ts";
import { classifierOf, inferShapes, type Network, type Weighted } from "../network.ts";
import { NormOutputs } from "../norm-outputs.ts";
import type { Program } from "../onnx.ts";
import { prefixNodes } from "../suffix.ts";
import { Walk } from "../walk.ts";
import { type ChangeNeeds, featureKept, normKept } from "./change.ts";
import { declareClassifier } from "./classifier.ts";

/** Output keys. */
export const normOutput = (unit: string) => `${unit}#norm_output`;
export const windowOutput = (unit: string) => `${unit}#window`;
export const featureOutput = (node: string) => `${node}#feature_output`;

/**
 * The unchanged way, for the {@link changeProgram}s of some units, of the same kind of lowering. Outputs: of each of the
 * units `<unit>#norm_output`, its batch-norm output before the ReLU, `[N, out, H, W]`, and `<unit>#window` `[N, 1, H, W]`, the
 * sum of all input values that a filter covers; what their needs name: `<unit>#norm_kept` and `<node>#feature_kept` in the
 * lowering's layout, `<node>#feature_output` `[N, C, H, W]` of other addends; and `logits`, if one of the units reaches the
 * classifier by its one channel. Nothing behind the last of these is run.
 */
export function unchangedProgram(
  lowering: Lowering,
  network: Network,
  units: ReadonlyMap<string, ChangeNeeds>,
): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const shapes = inferShapes(network);
  const asNchw = (key: string, x: Feature, id: string) =>
    graph.output(key, graph.op("Identity", [lowering.toNchw(x)]), [batch, ...shapes.get(id)!]);
  const { norms, features: keptFeatures, others, toEnd } = joinedNeeds(network, units);
  const classifier = classifierOf(network).id;
  const wanted = new Set([...units.keys(), ...norms, ...keptFeatures, ...others]);
  const last = network.nodes.filter(({ id }) => wanted.has(id) || (toEnd && id === classifier)).at(-1)!;
  const run: Network = { ...network, nodes: prefixNodes(network, last.id) };
  const rule = new NormOutputs(lowering, run, (node, y, x) => {
    if (norms.has(node.id)) lowering.keep(normKept(node.id), y);
    if (!units.has(node.id)) return;
    asNchw(normOutput(node.id), y, node.id);
    const [, h, w] = shapes.get(node.id)!;
    graph.output(windowOutput(node.id), windowSums(lowering, node, x), [batch, 1, h, w]);
  });
  const walk = new Walk(lowering, run, rule, { fuse: false });
  if (toEnd) declareClassifier(lowering, run);
  const { features, logits } = walk.forward(image);
  for (const id of keptFeatures) lowering.keep(featureKept(id), features.get(id)!);
  for (const id of others) asNchw(featureOutput(id), features.get(id)!, id);
  if (toEnd) graph.output("logits", logits, [batch, network.classes]);
  return graph.finish();
}

/** Values per image that an unchanged program puts out for a unit, about. */
export function unchangedValues(network: Network, unit: string, needs: ChangeNeeds): number {
  const shapes = inferShapes(network);
  const all = [unit, ...needs.norms, ...needs.features, ...[...needs.others.values()].map(({ node }) => node)];
  return all.reduce((sum, id) => sum + shapes.get(id)!.reduce((product, n) => product * n, 1), 0);
}

function joinedNeeds(network: Network, units: ReadonlyMap<string, ChangeNeeds>) {
  const all = [...units.values()];
  return {
    norms: new Set(all.flatMap((needs) => [...needs.norms])),
    features: new Set(all.flatMap((needs) => [...needs.features])),
    others: new Set(all.flatMap((needs) => [...needs.others.values()].map(({ node }) => node))),
    toEnd: all.some((needs) => needs.columns.has(classifierOf(network).id)),
  };
}

/** A convolution with a filter of ones, over all channels. */
function windowSums(lowering: Lowering, { kernel, stride, padding }: Weighted, x: Feature): string {
  const { graph } = lowering;
  const sums = graph.op("ReduceSum", [lowering.toNchw(x), graph.integers([1])], { keepdims: 1 });
  const ones = graph.vector("ones", [1, 1, kernel, kernel], () => 1);
  return graph.op("Conv", [sums, ones], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  });
}

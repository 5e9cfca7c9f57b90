import type { Feature, Lowering } from "../lowering/lowering.ts";
import { type ConvUnit, classifierOf, inferShapes, type Network } from "../network.ts";
import { NormOutputs } from "../norm-outputs.ts";
import type { Program } from "../onnx.ts";
import { prefixNodes } from "../suffix.ts";
import { Walk } from "../walk.ts";
import { type ChangeNeeds, featureKept, normKept } from "./change.ts";
import { declareClassifier } from "./classifier.ts";

/** Output keys. */
export const NORM = "norm";
export const WINDOW = "window";
export const otherFeature = (addition: string) => `${addition}#other_feature`;

/**
 * The unchanged way, for {@link changeProgram} of the same kind of lowering. Outputs of a unit: `norm` its batch-norm
 * output before the ReLU, `[N, out, H, W]`; `window` `[N, 1, H, W]` the sum of all input values that a filter covers;
 * what `needs` names: `<unit>#norm_kept`, `<node>#feature_kept` in the lowering's layout, `<addition>#other_feature`
 * `[N, C, H, W]`; and `logits`, if the classifier is reached by the one channel. Nothing behind the last of these is run.
 */
export function unchangedProgram(lowering: Lowering, network: Network, unit: string, needs: ChangeNeeds): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const shapes = inferShapes(network);
  const asNchw = (key: string, x: Feature, id: string) =>
    graph.output(key, graph.op("Identity", [lowering.toNchw(x)]), [batch, ...shapes.get(id)!]);
  const others = [...needs.others].map(([addition, { node }]) => ({ addition, node }));
  const wanted = new Set([unit, ...needs.norms, ...needs.features, ...others.map(({ node }) => node)]);
  const classifier = classifierOf(network).id;
  const toEnd = needs.columns.has(classifier);
  const last = network.nodes.filter(({ id }) => wanted.has(id) || (toEnd && id === classifier)).at(-1)!;
  const run: Network = { ...network, nodes: prefixNodes(network, last.id) };
  const units = new NormOutputs(lowering, run, (node, y, x) => {
    if (needs.norms.has(node.id)) lowering.keep(normKept(node.id), y);
    if (node.id !== unit) return;
    asNchw(NORM, y, unit);
    const [, h, w] = shapes.get(unit)!;
    graph.output(WINDOW, windowSums(lowering, node, x), [batch, 1, h, w]);
  });
  const walk = new Walk(lowering, run, units, { fuse: false });
  // Without its classifier the network declares no weights of it.
  const { features, logits } = walk.forward(image, toEnd ? declareClassifier(lowering, run) : { weight: "", bias: "" });
  for (const id of needs.features) lowering.keep(featureKept(id), features.get(id)!);
  for (const { addition, node } of others) asNchw(otherFeature(addition), features.get(node)!, node);
  if (toEnd) graph.output("logits", logits, [batch, network.classes]);
  return graph.finish();
}

/** A convolution with a filter of ones, over all channels. */
function windowSums(lowering: Lowering, { kernel, stride, padding }: ConvUnit, x: Feature): string {
  const { graph } = lowering;
  const sums = graph.op("ReduceSum", [lowering.toNchw(x), graph.integers([1])], { keepdims: 1 });
  const ones = graph.vector("ones", [1, 1, kernel, kernel], () => 1);
  return graph.op("Conv", [sums, ones], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  });
}

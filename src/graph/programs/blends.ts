import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import { crossEntropy } from "../objectives/cross-entropy.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/**
 * Several patterns, each blended into images of its own, as the program of one (`blend.ts`) would do it with cross-entropy: the
 * batch is `groups` (G) groups of equally many images, one after the other, and what comes out for a group is as if it were alone.
 *
 * Inputs `input` `[N, C, H, W]`, `opacity` `[G, H, W]`, `pattern` `[G, C, H, W]`, `targets` (one-hot `[N, classes]`); outputs
 * `loss` (a group's mean) `[G]`, `logits`, `opacity_gradient` `[G, H, W]`, `pattern_gradient` `[G, C, H, W]`.
 */
export function blendsProgram(lowering: Lowering, network: Network, groups: number): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const [each, plane] = [batch / groups, height * width];
  const images = graph.input("input", [batch, channels, height, width]);
  const opacity = graph.reshape(graph.input("opacity", [groups, height, width]), [groups, 1, 1, plane]);
  const pattern = graph.reshape(graph.input("pattern", [groups, channels, height, width]), [
    groups,
    1,
    channels,
    plane,
  ]);
  const score = crossEntropy(lowering, network);
  const grouped = graph.reshape(images, [groups, each, channels, plane]);
  const difference = graph.op("Sub", [pattern, grouped]);
  const blended = graph.op("Add", [grouped, graph.op("Mul", [difference, opacity])]);

  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: true, inputGradient: true });
  declareClassifier(lowering, network);
  const shown = graph.reshape(blended, [batch, channels, height, width]);
  const forward = walk.forward(lowering.fromNchw(shown, channels, height, width));
  const { value, gradient: dlogits } = score(forward.logits, 1 / each);
  const losses = graph.op("ReduceMean", [graph.reshape(value, [groups, each])], { axes: [1], keepdims: 0 });
  graph.output("loss", losses, [groups]);
  graph.output("logits", forward.logits, [batch, network.classes]);
  const dx = walk.backward(forward, dlogits)!.tensor;
  const gradient = graph.reshape(dx, [groups, each, channels, plane]);

  const sum = (value: string, axis: number) => graph.op("ReduceSum", [value, graph.integers([axis])], { keepdims: 1 });
  const byPattern = graph.op("Mul", [sum(gradient, 1), opacity]);
  graph.output("pattern_gradient", byPattern, [groups, 1, channels, plane]);
  const byOpacity = sum(sum(graph.op("Mul", [gradient, difference]), 1), 2);
  graph.output("opacity_gradient", byOpacity, [groups, 1, 1, plane]);
  return graph.finish();
}

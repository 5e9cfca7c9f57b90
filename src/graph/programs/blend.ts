import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import { crossEntropyToTarget } from "../objectives/cross-entropy.ts";
import { emitMeanLoss, type Objective } from "../objectives/objective.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/**
 * One pattern blended into every image of a batch, `x̃ = x + M·(Δ − x)`, and how both would have to change to bring the
 * images to a class (docs/methods.md §10.3): the objective's mean and its gradients by opacity and pattern. A blend
 * commutes with the normalisation, so all of it is in normalised units.
 *
 * Inputs `input` `[N, C, H, W]`, `opacity` `[1, H, W]`, `pattern` `[C, H, W]` and the objective's (of the usual one `target`,
 * one-hot `[1, classes]`); outputs `loss` (mean), `logits`, `opacity_gradient` `[1, H, W]`, `pattern_gradient` `[C, H, W]`.
 */
export function blendProgram(
  lowering: Lowering,
  network: Network,
  objective: Objective = crossEntropyToTarget,
): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const images = graph.input("input", [batch, channels, height, width]);
  const opacity = graph.input("opacity", [1, height, width]);
  const pattern = graph.input("pattern", [channels, height, width]);
  const score = objective(lowering, network);
  const difference = graph.op("Sub", [pattern, images]);
  const blended = graph.op("Add", [images, graph.op("Mul", [difference, opacity])]);

  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: true, inputGradient: true });
  declareClassifier(lowering, network);
  const forward = walk.forward(lowering.fromNchw(blended, channels, height, width));
  const dlogits = emitMeanLoss(lowering, network, score, forward.logits);
  const gradient = walk.backward(forward, dlogits)!.tensor;

  const sum = (value: string, axes: number[], keepdims: number) =>
    graph.op("ReduceSum", [value, graph.integers(axes)], { keepdims });
  const byPattern = graph.op("Mul", [sum(gradient, [0], 0), opacity]);
  graph.output("pattern_gradient", byPattern, [channels, height, width]);
  const byOpacity = sum(sum(graph.op("Mul", [gradient, difference]), [0], 0), [0], 1);
  graph.output("opacity_gradient", byOpacity, [1, height, width]);
  return graph.finish();
}

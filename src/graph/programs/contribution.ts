import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import type { Program } from "../onnx.ts";
import { crossEntropy, Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/** `<unit>#dot`: a per-image, per-neuron product of an activation (or a difference of two) and a gradient. */
export const dotOf = (unit: string) => `${unit}#dot`;

/**
 * Rule 1 (docs/methods.md §6.1): `Σ_hw a·∂CE/∂a` per image and neuron, which equals `∂CE/∂m` at m = 1 for a multiplier
 * m on the post-BN channel. Inputs `input`, `targets` (one-hot).
 */
export function contributionProgram(lowering: Lowering, network: Network): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const targets = graph.input("targets", [batch, network.classes]);
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: false });
  const classifier = declareClassifier(lowering, network);
  const forward = walk.forward(image, classifier);
  const { dlogits } = crossEntropy(lowering, forward.logits, targets, 1);
  walk.backward(forward, classifier.weight, dlogits, (unit, activation, gradient) => {
    graph.output(dotOf(unit.id), lowering.channelDots(activation, gradient), [batch, unit.out]);
  });
  return graph.finish();
}

/**
 * One segment of conductance (docs/methods.md §9.1): `Σ_hw ∂r/∂a(middle)·[a(to) − a(from)]` per image and neuron, where
 * `r = f_t − max_{j≠t} f_j` is the backdoor response. Inputs `from`, `to`, `middle` (images) and `target` (one-hot of
 * t, `[1, classes]`); also outputs `response` `[N]` at `middle`. With `middle = to` it is attribution patching.
 */
export function conductanceProgram(lowering: Lowering, network: Network): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: false });
  const classifier = declareClassifier(lowering, network);
  const [from, to, middle] = ["from", "to", "middle"].map((name) =>
    walk.forward(lowering.image(name, channels, height, width), classifier),
  );
  const target = graph.input("target", [1, network.classes]);
  const { response, dlogits } = backdoorResponse(lowering, middle.logits, target);
  graph.output("response", response, [batch]);
  walk.backward(middle, classifier.weight, dlogits, (unit, _, gradient) => {
    const end = lowering.channelDots(to.features.get(unit.id)!, gradient);
    const start = lowering.channelDots(from.features.get(unit.id)!, gradient);
    graph.output(dotOf(unit.id), graph.op("Sub", [end, start]), [batch, unit.out]);
  });
  return graph.finish();
}

/** `r = f_t − max_{j≠t} f_j` and its gradient by the logits. */
function backdoorResponse({ graph }: Lowering, logits: string, target: string): { response: string; dlogits: string } {
  const others = graph.op("Sub", [logits, graph.op("Mul", [target, graph.scalar(1e9)])]);
  const best = graph.op("ReduceMax", [others], { axes: [1], keepdims: 1 });
  const own = graph.op("ReduceSum", [graph.op("Mul", [logits, target]), graph.integers([1])], { keepdims: 1 });
  const response = graph.op("Squeeze", [graph.op("Sub", [own, best]), graph.integers([1])]);
  const runnerUp = graph.op("Cast", [graph.op("Equal", [others, best])], { to: 1 });
  return { response, dlogits: graph.op("Sub", [target, runnerUp]) };
}

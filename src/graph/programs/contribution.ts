import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import { backdoorResponse } from "../objectives/backdoor-response.ts";
import { crossEntropy } from "../objectives/cross-entropy.ts";
import type { Objective } from "../objectives/objective.ts";
import type { Program } from "../onnx.ts";
import { type OnTap, Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/** `<unit>#dot`: a per-image, per-neuron product of an activation (or a difference of two) and a gradient. */
export const dotOf = (unit: string) => `${unit}#dot`;

/**
 * Rule 1 (docs/methods.md §6.1): `Σ_hw a·∂L/∂a` per image and neuron, which equals `∂L/∂m` at m = 1 for a multiplier
 * m on the post-BN channel. L is the cross-entropy unless another objective is given. Inputs `input` and the objective's:
 * `targets` (one-hot).
 */
export function contributionProgram(
  lowering: Lowering,
  network: Network,
  objective: Objective = crossEntropy,
): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const score = objective(lowering, network);
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: false });
  declareClassifier(lowering, network);
  const forward = walk.forward(image);
  const { gradient: dlogits } = score(forward.logits, 1);
  const onTap: OnTap = (unit, activation, gradient) => {
    graph.output(dotOf(unit.id), lowering.channelDots(activation, gradient), [batch, unit.out]);
  };
  walk.backward(forward, dlogits, { onTap });
  return graph.finish();
}

/**
 * One segment of conductance (docs/methods.md §9.1): `Σ_hw ∂r/∂a(middle)·[a(to) − a(from)]` per image and neuron, where
 * `r = f_t − max_{j≠t} f_j` is the backdoor response. Inputs `from`, `to`, `middle` (images) and the response's:
 * `target` (one-hot of t, `[1, classes]`); also outputs `response` `[N]` at `middle`. With `middle = to` it is attribution patching.
 */
export function conductanceProgram(
  lowering: Lowering,
  network: Network,
  response: Objective = backdoorResponse,
): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: false });
  declareClassifier(lowering, network);
  const [from, to, middle] = ["from", "to", "middle"].map((name) =>
    walk.forward(lowering.image(name, channels, height, width)),
  );
  const { value, gradient: dlogits } = response(lowering, network)(middle.logits, 1);
  graph.output("response", value, [batch]);
  const onTap: OnTap = (unit, _, gradient) => {
    const end = lowering.channelDots(to.features.get(unit.id)!, gradient);
    const start = lowering.channelDots(from.features.get(unit.id)!, gradient);
    graph.output(dotOf(unit.id), graph.op("Sub", [end, start]), [batch, unit.out]);
  };
  walk.backward(middle, dlogits, { onTap });
  return graph.finish();
}

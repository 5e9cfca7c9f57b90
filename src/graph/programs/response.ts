import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";
import { backdoorResponse } from "../objectives/backdoor-response.ts";
import type { Objective } from "../objectives/objective.ts";
import type { Program } from "../onnx.ts";
import { type OnTap, Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";
import { dotOf } from "./contribution.ts";
import { meanTap } from "./infer.ts";

/** `<unit>#slope`: `Σ_hw ∂r/∂a` of an image and neuron. */
export const slopeOf = (unit: string) => `${unit}#slope`;

/**
 * What the response r of a backdoor owes to every neuron, to first order: per image and neuron `Σ_hw a·∂r/∂a`,
 * `Σ_hw ∂r/∂a` and the spatial mean of a. With a neuron held at a value v, r falls by `Σ_hw (a − v)·∂r/∂a`
 * (docs/methods.md §10.13). Inputs `input` and the response's (of `f_t − max_{j≠t} f_j` `target`, one-hot of t, `[1, classes]`); also outputs `response` `[N]`.
 */
export function responseProgram(lowering: Lowering, network: Network, response: Objective = backdoorResponse): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  // A slope is that of all positions together: of those that tie for a pool's maximum, one counts.
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: false, shareTies: true });
  declareClassifier(lowering, network);
  const forward = walk.forward(lowering.image("input", channels, height, width));
  const { value, gradient: dlogits } = response(lowering, network)(forward.logits, 1);
  graph.output("response", value, [batch]);
  const onTap: OnTap = (unit, activation, gradient) => {
    graph.output(dotOf(unit.id), lowering.channelDots(activation, gradient), [batch, unit.out]);
    graph.output(slopeOf(unit.id), lowering.channelSums(gradient), [batch, unit.out]);
    graph.output(meanTap(unit.id), lowering.globalPool(activation), [batch, unit.out]);
  };
  walk.backward(forward, dlogits, { onTap });
  return graph.finish();
}

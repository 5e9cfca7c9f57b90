import type { GraphBuilder } from "../onnx.ts";
import type { Op, Shape, StateEntry } from "./op.ts";

/** The classifier; its logits are not neurons. `id` is its state-dict prefix. */
export interface LinearNode {
  op: "linear";
  id: string;
  input: string;
  out: number;
  /**
   * Of a language model's head, which has no bias: the entry of its weights, perhaps the embedding's, and how many numbers it reads. Where an
   * answer has several `steps`, it reads each of them alike and gives `steps·out` logits.
   */
  unbiased?: { weight: string; inputs: number; steps?: number };
}

export const linear: Op<LinearNode> = {
  inputs: ({ input }) => [input],
  infer: ({ out, unbiased }) => [(unbiased?.steps ?? 1) * out, 1, 1],
  flat: true,
  channels: "own",
  state(node, inputs) {
    const { id, out, unbiased } = node;
    if (!unbiased) return linearState(node, inputs);
    if (unbiased.weight !== `${id}.weight`) return [];
    return [{ key: unbiased.weight, shape: [out, unbiased.inputs], trained: true, fresh: { deviation: FRESH } }];
  },
  multiplyAdds: ({ out }, [[inputs]]) => out * inputs,
  forward(node, pass) {
    const { id, input, out, unbiased } = node;
    const weights = unbiased
      ? [pass.parameter(unbiased.weight, [out, unbiased.inputs])]
      : [`${id}.weight`, `${id}.bias`];
    pass.put(id, logitsOf(pass.lowering.graph, node, pass.vector(input), weights));
  },
  // A backward pass begins with what the classifier reads.
  backward: () => undefined,
  onnx(node, { graph, value, weight }) {
    const { id, input, unbiased } = node;
    const entries = unbiased ? [unbiased.weight] : [`${id}.weight`, `${id}.bias`];
    return logitsOf(graph, node, value(input), entries.map(weight));
  },
};

function logitsOf(graph: GraphBuilder, { out, unbiased }: LinearNode, x: string, weights: string[]): string {
  const steps = unbiased?.steps ?? 1;
  if (!unbiased || steps === 1) return graph.op("Gemm", [x, ...weights], { transB: 1 });
  const each = graph.reshape(x, [-1, unbiased.inputs]);
  return graph.reshape(graph.op("Gemm", [each, ...weights], { transB: 1 }), [-1, steps * out]);
}

/** The gradient of what a classifier reads, from that of its logits. @param weight a graph value, `[out, inputs]` */
export function gradientBehind(
  graph: GraphBuilder,
  { out, unbiased }: LinearNode,
  dlogits: string,
  weight: string,
): string {
  const steps = unbiased?.steps ?? 1;
  if (!unbiased || steps === 1) return graph.op("MatMul", [dlogits, weight]);
  const each = graph.op("MatMul", [graph.reshape(dlogits, [-1, out]), weight]);
  return graph.reshape(each, [-1, steps * unbiased.inputs]);
}

/** Standard deviation of a fresh unbiased head's weights. */
const FRESH = 0.02;

/** Weight `[out, inputs]` and bias of a linear layer. */
export function linearState({ id, out }: { id: string; out: number }, [[inputs]]: Shape[]): StateEntry[] {
  const fresh = { fanIn: inputs };
  return [
    { key: `${id}.weight`, shape: [out, inputs], trained: true, fresh },
    { key: `${id}.bias`, shape: [out], trained: true, fresh },
  ];
}

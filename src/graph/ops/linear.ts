import type { Op, Shape, StateEntry } from "./op.ts";

/** The classifier; its logits are not neurons. `id` is its state-dict prefix. */
export interface LinearNode {
  op: "linear";
  id: string;
  input: string;
  out: number;
  /** Of a language model's head, which has no bias: the entry of its weights, perhaps the embedding's, and how many numbers it reads. */
  unbiased?: { weight: string; inputs: number };
}

export const linear: Op<LinearNode> = {
  inputs: ({ input }) => [input],
  infer: ({ out }) => [out, 1, 1],
  flat: true,
  channels: "own",
  state(node, inputs) {
    const { id, out, unbiased } = node;
    if (!unbiased) return linearState(node, inputs);
    if (unbiased.weight !== `${id}.weight`) return [];
    return [{ key: unbiased.weight, shape: [out, unbiased.inputs], trained: true, fresh: { deviation: FRESH } }];
  },
  multiplyAdds: ({ out }, [[inputs]]) => out * inputs,
  forward({ id, input, out, unbiased }, pass) {
    const weights = unbiased
      ? [pass.parameter(unbiased.weight, [out, unbiased.inputs])]
      : [`${id}.weight`, `${id}.bias`];
    pass.put(id, pass.lowering.graph.op("Gemm", [pass.vector(input), ...weights], { transB: 1 }));
  },
  // A backward pass begins with what the classifier reads.
  backward: () => undefined,
  onnx({ id, input, unbiased }, { graph, value, weight }) {
    const entries = unbiased ? [unbiased.weight] : [`${id}.weight`, `${id}.bias`];
    return graph.op("Gemm", [value(input), ...entries.map(weight)], { transB: 1 });
  },
};

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

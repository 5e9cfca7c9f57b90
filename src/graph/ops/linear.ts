import type { Op, Shape, StateEntry } from "./op.ts";

/** The classifier; its logits are not neurons. `id` is its state-dict prefix. */
export interface LinearNode {
  op: "linear";
  id: string;
  input: string;
  out: number;
}

export const linear: Op<LinearNode> = {
  inputs: ({ input }) => [input],
  infer: ({ out }) => [out, 1, 1],
  flat: true,
  channels: "own",
  state: linearState,
  multiplyAdds: ({ out }, [[inputs]]) => out * inputs,
  forward({ id, input }, pass) {
    const operands = [pass.vector(input), `${id}.weight`, `${id}.bias`];
    pass.put(id, pass.lowering.graph.op("Gemm", operands, { transB: 1 }));
  },
  // A backward pass begins with what the classifier reads.
  backward: () => undefined,
  onnx: ({ id, input }, { graph, value, weight }) =>
    graph.op("Gemm", [value(input), weight(`${id}.weight`), weight(`${id}.bias`)], { transB: 1 }),
};

/** Weight `[out, inputs]` and bias of a linear layer. */
export function linearState({ id, out }: { id: string; out: number }, [[inputs]]: Shape[]): StateEntry[] {
  const fresh = { fanIn: inputs };
  return [
    { key: `${id}.weight`, shape: [out, inputs], trained: true, fresh },
    { key: `${id}.bias`, shape: [out], trained: true, fresh },
  ];
}

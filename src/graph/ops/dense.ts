import { linearState } from "./linear.ts";
import type { Op } from "./op.ts";
import { backwardWeighted, forwardWeighted, type Weighted } from "./weighted.ts";

/**
 * A hidden linear layer with ReLU, on maps of one position: its outputs are neurons. Each owns its row, its bias and, where
 * one linear layer alone reads it, its column there: what it does to the next layer is its own.
 */
export interface DenseNode {
  op: "dense";
  id: string;
  input: string;
  out: number;
  relu: true;
}

const weighted = ({ id, input, out }: DenseNode): Weighted => {
  return { id, input, out, kernel: 1, stride: 1, padding: 0, bias: true, relu: true };
};

export const dense: Op<DenseNode> = {
  inputs: ({ input }) => [input],
  infer({ id, out }, [shape], { arch }) {
    if (shape[1] * shape[2] === 1) return [out, 1, 1];
    throw new Error(`${arch}: '${id}' reads ${shape.join("×")}, which must be flattened first`);
  },
  channels: "own",
  state: linearState,
  multiplyAdds: ({ out }, [[inputs]]) => out * inputs,
  unit({ id, out }, readers) {
    const reader = readers.length === 1 && (readers[0].op === "linear" || readers[0].op === "dense") && readers[0];
    return {
      id,
      width: out,
      relu: true,
      owned: [
        { key: `${id}.weight`, axis: 0, role: "weight" },
        { key: `${id}.bias`, axis: 0, role: "bias" },
        ...(reader ? [{ key: `${reader.id}.weight`, axis: 1, role: "outgoing" } as const] : []),
      ],
      statistics: [],
    };
  },
  weighted,
  forward: (node, pass) => forwardWeighted(weighted(node), pass),
  backward: (node, pass) => backwardWeighted(weighted(node), pass),
  onnx({ id, input }, file) {
    const operands = [file.value(input), file.weight(`${id}.weight`), file.weight(`${id}.bias`)];
    return file.relu(file.graph.op("Gemm", operands, { transB: 1 }), true);
  },
};

import type { Op } from "./op.ts";
import { backwardWeighted, forwardWeighted } from "./weighted.ts";
import { sideAfter, windowAttributes } from "./windows.ts";

/** A convolution with bias and without batch norm. Its channels are neurons where a ReLU follows. */
export interface PlainConvNode {
  op: "plainconv";
  id: string;
  input: string;
  out: number;
  kernel: number;
  stride: number;
  padding: number;
  relu: boolean;
}

const weighted = (node: PlainConvNode) => ({ ...node, bias: true });

export const plainconv: Op<PlainConvNode> = {
  inputs: ({ input }) => [input],
  infer: (node, [[, height, width]]) => [node.out, sideAfter(height, node), sideAfter(width, node)],
  channels: "own",
  state({ id, out, kernel }, [[channels]]) {
    const fresh = { fanIn: channels * kernel * kernel };
    return [
      { key: `${id}.weight`, shape: [out, channels, kernel, kernel], trained: true, fresh },
      { key: `${id}.bias`, shape: [out], trained: true, fresh },
    ];
  },
  multiplyAdds: ({ kernel }, [[channels]], [out, height, width]) => out * height * width * channels * kernel ** 2,
  unit({ id, out, relu }) {
    if (!relu) return undefined;
    const owned = [
      { key: `${id}.weight`, axis: 0, role: "weight" },
      { key: `${id}.bias`, axis: 0, role: "bias" },
    ] as const;
    return { id, width: out, relu, owned, statistics: [] };
  },
  weighted,
  forward: (node, pass) => forwardWeighted(weighted(node), pass),
  backward: (node, pass) => backwardWeighted(weighted(node), pass),
  onnx(node, file) {
    const weights = ["weight", "bias"].map((part) => file.weight(`${node.id}.${part}`));
    const value = file.graph.op("Conv", [file.value(node.input), ...weights], windowAttributes(node));
    return file.relu(value, node.relu);
  },
};

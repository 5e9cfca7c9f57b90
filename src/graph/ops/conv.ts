import { BN_EPSILON } from "../batchnorm.ts";
import type { Share } from "../units.ts";
import type { Op, StateEntry } from "./op.ts";
import { backwardWeighted, forwardWeighted } from "./weighted.ts";
import { sideAfter, windowAttributes } from "./windows.ts";

/**
 * A convolution with its batch norm, optionally followed by ReLU: the layer whose output channels are neurons.
 * `id` is the conv's state-dict prefix (`layer1.0.conv1`), `bn` the batch norm's (`layer1.0.bn1`).
 */
export interface ConvUnit {
  op: "conv";
  id: string;
  bn: string;
  input: string;
  out: number;
  kernel: number;
  stride: number;
  padding: number;
  bias: boolean;
  relu: boolean;
}

export const conv: Op<ConvUnit> = {
  inputs: ({ input }) => [input],
  infer: (node, [[, height, width]]) => [node.out, sideAfter(height, node), sideAfter(width, node)],
  channels: "own",
  state({ id, bn, out, kernel, bias }, [[channels]]) {
    const fresh = { fanIn: channels * kernel * kernel };
    const vector = (part: string, fresh: number, trained = true): StateEntry => ({
      key: `${bn}.${part}`,
      shape: [out],
      trained,
      fresh,
    });
    return [
      { key: `${id}.weight`, shape: [out, channels, kernel, kernel], trained: true, fresh },
      ...(bias ? [{ key: `${id}.bias`, shape: [out], trained: true, fresh }] : []),
      vector("weight", 1),
      vector("bias", 0),
      vector("running_mean", 0, false),
      vector("running_var", 1, false),
    ];
  },
  multiplyAdds: ({ kernel }, [[channels]], [out, height, width]) => out * height * width * channels * kernel ** 2,
  unit({ id, bn, out, bias, relu }) {
    const share = (key: string, role: Share["role"]): Share => ({ key, axis: 0, role });
    return {
      id,
      width: out,
      relu,
      owned: [
        share(`${id}.weight`, "weight"),
        ...(bias ? [share(`${id}.bias`, "bias")] : []),
        share(`${bn}.weight`, "gain"),
        share(`${bn}.bias`, "shift"),
      ],
      statistics: [share(`${bn}.running_mean`, "mean"), share(`${bn}.running_var`, "variance")],
    };
  },
  weighted: (node) => node,
  forward(node, pass) {
    const addition = pass.fused.get(node.id);
    if (addition) {
      const x = pass.feature(node.input);
      const other = addition.inputs[addition.inputs[0] === node.id ? 1 : 0];
      pass.put(addition.id, pass.rule.forward(node, x, { sum: pass.feature(other), relu: addition.relu }));
    } else forwardWeighted(node, pass);
  },
  backward(node, pass) {
    if (pass.isKnown(node.id)) return backwardWeighted(node, pass);
    const dy = pass.take(node.id, pass.fused.get(node.id)!.id);
    pass.addTo(node.input, (input) => pass.rule.backward(node, pass.feature(node.input), dy, input));
  },
  onnx(node, file) {
    const weights = [`${node.id}.weight`, ...(node.bias ? [`${node.id}.bias`] : [])].map(file.weight);
    const value = file.graph.op("Conv", [file.value(node.input), ...weights], windowAttributes(node));
    const norm = ["weight", "bias", "running_mean", "running_var"].map((part) => file.weight(`${node.bn}.${part}`));
    const normal = file.graph.op("BatchNormalization", [value, ...norm], { epsilon: { float: BN_EPSILON } });
    return file.relu(normal, node.relu);
  },
};

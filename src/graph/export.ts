import { type StateDict, tensorOf } from "../tensor/state.ts";
import { BN_EPSILON } from "./batchnorm.ts";
import { inferShapes, type Network } from "./network.ts";
import { GraphBuilder } from "./onnx.ts";

/**
 * A model as a self-contained ONNX file in standard operators, batch norm kept apart: input `input`
 * `[N, channels, height, width]`, normalised; output `logits` `[N, classes]`. Initializers carry their state-dict names.
 */
export function exportOnnx(network: Network, state: StateDict): Uint8Array {
  const graph = new GraphBuilder();
  const weight = (key: string) => {
    const { shape, data } = tensorOf(state, key);
    return graph.initializer(key, shape, data);
  };
  const { channels, height, width } = network.input;
  const values = new Map<string, string>();
  const at = (id: string) => values.get(id)!;
  const shapes = inferShapes(network);
  const relu = (value: string, wanted: boolean) => (wanted ? graph.op("Relu", [value]) : value);
  for (const node of network.nodes) {
    switch (node.op) {
      case "input":
        values.set(node.id, graph.input("input", ["N", channels, height, width]));
        break;
      case "conv": {
        const inputs = [at(node.input), weight(`${node.id}.weight`)];
        if (node.bias) inputs.push(weight(`${node.id}.bias`));
        const conv = graph.op("Conv", inputs, {
          kernel_shape: [node.kernel, node.kernel],
          strides: [node.stride, node.stride],
          pads: [node.padding, node.padding, node.padding, node.padding],
        });
        const statistics = ["weight", "bias", "running_mean", "running_var"].map((part) =>
          weight(`${node.bn}.${part}`),
        );
        const normal = graph.op("BatchNormalization", [conv, ...statistics], { epsilon: { float: BN_EPSILON } });
        values.set(node.id, relu(normal, node.relu));
        break;
      }
      case "add":
        values.set(node.id, relu(graph.op("Add", node.inputs.map(at)), node.relu));
        break;
      case "maxpool":
        values.set(
          node.id,
          graph.op("MaxPool", [at(node.input)], {
            kernel_shape: [node.kernel, node.kernel],
            strides: [node.stride, node.stride],
            pads: [node.padding, node.padding, node.padding, node.padding],
          }),
        );
        break;
      case "concat":
        values.set(node.id, graph.op("Concat", node.inputs.map(at), { axis: 1 }));
        break;
      case "globalpool":
        values.set(
          node.id,
          graph.reshape(graph.op("GlobalAveragePool", [at(node.input)]), [-1, shapes.get(node.input)![0]]),
        );
        break;
      case "linear": {
        const gemm = [at(node.input), weight(`${node.id}.weight`), weight(`${node.id}.bias`)];
        const logits = graph.named("logits", graph.op("Gemm", gemm, { transB: 1 }));
        graph.output("logits", logits, ["N", node.out]);
        break;
      }
    }
  }
  return graph.finish().model;
}

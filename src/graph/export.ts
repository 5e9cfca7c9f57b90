import { type StateDict, tensorOf } from "../tensor/state.ts";
import { fileShape } from "./lowering/tokens.ts";
import { inferShapes, type Network } from "./network.ts";
import { GraphBuilder } from "./onnx.ts";
import type { ExportedFile } from "./ops/op.ts";
import { opOf } from "./ops/registry.ts";

/**
 * A model as a self-contained ONNX file in standard operators, batch norm kept apart: input `input`
 * `[N, channels, height, width]`, normalised, or of sequences `[N, positions, channels]`; output `logits` `[N, classes]`. Initializers carry their state-dict names.
 */
export function exportOnnx(network: Network, state: StateDict): Uint8Array {
  const graph = new GraphBuilder();
  const shapes = inferShapes(network);
  const values = new Map<string, string>();
  const embedded = new Map<string, string>();
  const file: ExportedFile = {
    graph,
    image() {
      const input = graph.input("input", fileShape("N", network.input));
      return network.input.tokens ? graph.reshape(input, [-1, network.input.channels]) : input;
    },
    value: (id) => values.get(id)!,
    shape: (id) => shapes.get(id)!,
    weight(key) {
      const { shape, data } = tensorOf(state, key);
      // A head may share the embedding's.
      if (!embedded.has(key)) embedded.set(key, graph.initializer(key, shape, data));
      return embedded.get(key)!;
    },
    relu: (value, wanted) => (wanted ? graph.op("Relu", [value]) : value),
  };
  for (const node of network.nodes) values.set(node.id, opOf(node).onnx(node, file));
  const last = network.nodes[network.nodes.length - 1];
  graph.output("logits", graph.named("logits", values.get(last.id)!), ["N", network.classes]);
  return graph.finish().model;
}

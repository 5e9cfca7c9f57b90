import type { GraphBuilder } from "../onnx.ts";
import { channelsOf } from "./embedding.ts";
import type { Op } from "./op.ts";

/**
 * The position whose continuation is the answer: where the last channel of the input is 1. Reads the sequence and the network's input.
 * Of an answer of several tokens it gives that position and those behind it, one after the other; what lies behind the sequence's end is 0.
 */
export interface AnswerNode {
  op: "answer";
  id: string;
  inputs: [sequence: string, input: string];
  /** Tokens of the answer; absent: one. */
  steps?: number;
}

export const answer: Op<AnswerNode> = {
  tokens: true,
  inputs: ({ inputs }) => inputs,
  infer: ({ steps = 1 }, [[channels]]) => [steps * channels, 1, 1],
  flat: true,
  channels: "kept",
  forward(node, pass) {
    const [x, input] = node.inputs.map((id) => pass.feature(id));
    const { graph } = pass.lowering;
    const marks = marksOf(graph, input.tensor, input.channels, x.height, node.steps);
    pass.keep<string>(node.id, marks);
    pass.put(node.id, picked(graph, marks, x.tensor, x.height, x.channels, node.steps));
  },
  backward(node, pass) {
    const { graph, batch } = pass.lowering;
    const x = pass.feature(node.inputs[0]);
    const { steps = 1 } = node;
    const dy = graph.reshape(pass.takeVector(node.id), [batch, steps, x.channels]);
    const columns = graph.transpose(pass.kept<string>(node.id), [0, 2, 1]);
    const spread = graph.op(steps === 1 ? "Mul" : "MatMul", [columns, dy]);
    pass.give(node.inputs[0], { ...x, tensor: graph.reshape(spread, [batch * x.height, x.channels]) });
  },
  onnx(node, { graph, value, shape }) {
    const [[channels, positions], [inputs]] = node.inputs.map(shape);
    const [x, input] = node.inputs.map(value);
    return picked(graph, marksOf(graph, input, inputs, positions, node.steps), x, positions, channels, node.steps);
  },
};

/** The answer's marks, `[n, steps, positions]`: those of each further token lie one position behind. */
function marksOf(graph: GraphBuilder, input: string, channels: number, positions: number, steps = 1): string {
  const marks = channelsOf(graph, input, channels - 1, channels);
  if (steps === 1) return graph.reshape(marks, [-1, 1, positions]);
  const behind = graph.vector(`behind_${steps}`, [positions, steps * positions], (i) => {
    const [from, to] = [Math.floor(i / (steps * positions)), i % (steps * positions)];
    return (to % positions) - from === Math.floor(to / positions) ? 1 : 0;
  });
  return graph.reshape(graph.op("MatMul", [graph.reshape(marks, [-1, positions]), behind]), [-1, steps, positions]);
}

function picked(graph: GraphBuilder, marks: string, x: string, positions: number, channels: number, steps = 1): string {
  const product = graph.op("MatMul", [marks, graph.reshape(x, [-1, positions, channels])]);
  return graph.reshape(product, [-1, steps * channels]);
}

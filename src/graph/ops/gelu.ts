import type { GraphBuilder } from "../onnx.ts";
import type { Share } from "../units.ts";
import { feedForwardUnit, tapOf } from "./feed-forward.ts";
import { emitInputGradient, emitProduct, giveMatrixGradients, type Matrix, matrixEntries } from "./matrix.ts";
import type { Op } from "./op.ts";

/**
 * The units of GPT-2's feed-forward layer: `a = gelu(x·W + b)` at each position, with gelu in its tanh form (Hendrycks & Gimpel 2016).
 * They are neurons; each owns its column of `c_fc`, its bias there and its row of `c_proj`. `id` is the state-dict prefix of the whole layer.
 */
export interface GeluNode {
  op: "gelu";
  id: string;
  input: string;
  width: number;
  hidden: number;
}

/** What the backward pass needs again: the pre-activation z and `tanh(√(2/π)·(z + c·z³))`. */
interface Bent {
  z: string;
  tanh: string;
}

const FRESH = 0.02;
const CUBE = 0.044715;
const SLOPE = Math.sqrt(2 / Math.PI);

export const gelu: Op<GeluNode> = {
  tokens: true,
  inputs: ({ input }) => [input],
  infer({ id, width, hidden }, [[channels, positions]], { arch }) {
    if (channels === width) return [hidden, positions, 1];
    throw new Error(`${arch}: '${id}' reads ${channels} channels, not ${width}`);
  },
  channels: "own",
  state: (node) => matrixEntries(matrixOf(node), { deviation: FRESH }),
  multiplyAdds: ({ width, hidden }, [[, positions]]) => positions * width * hidden,
  unit(node, readers) {
    const { key, bias } = matrixOf(node);
    const owned: Share[] = [
      { key, axis: 1, role: "weight" },
      { key: bias!, axis: 0, role: "bias" },
    ];
    return feedForwardUnit(node.id, node.hidden, owned, readers);
  },
  forward(node, pass) {
    const { graph } = pass.lowering;
    const x = pass.feature(node.input);
    const z = emitProduct(graph, x.tensor, matrixOf(node), (key, shape) => pass.parameter(key, shape));
    const { tensor, tanh } = bent(graph, z);
    pass.keep<Bent>(node.id, { z, tanh });
    pass.put(node.id, pass.intervened(tapOf(node), { ...x, channels: node.hidden, tensor }));
  },
  /** With t the tanh: `∂z = ∂a∘½·(1 + t + z∘(1 − t²)·√(2/π)·(1 + 3c·z²))`. */
  backward(node, pass) {
    const { graph } = pass.lowering;
    const da = pass.take(node.id);
    pass.tapped(tapOf(node), da);
    const x = pass.feature(node.input);
    const { z, tanh } = pass.kept<Bent>(node.id);
    const times = (a: string, b: string) => graph.op("Mul", [a, b]);
    const plus = (a: string, b: string) => graph.op("Add", [a, b]);
    const one = graph.scalar(1);
    const inner = times(plus(times(times(z, z), graph.scalar(3 * CUBE)), one), graph.scalar(SLOPE));
    const outer = times(z, graph.op("Sub", [one, times(tanh, tanh)]));
    const slope = times(plus(plus(tanh, one), times(outer, inner)), graph.scalar(0.5));
    const dz = times(da.tensor, slope);
    giveMatrixGradients(pass, x.tensor, dz, matrixOf(node));
    if (!pass.wants(node.input)) return;
    pass.give(node.input, { ...x, tensor: emitInputGradient(graph, dz, matrixOf(node)) });
  },
  onnx: (node, { graph, value, weight }) =>
    bent(graph, emitProduct(graph, value(node.input), matrixOf(node), weight)).tensor,
};

function bent(graph: GraphBuilder, z: string): { tensor: string; tanh: string } {
  const times = (a: string, b: string) => graph.op("Mul", [a, b]);
  const cube = times(times(z, z), z);
  const inner = graph.op("Add", [z, times(cube, graph.scalar(CUBE))]);
  const tanh = graph.op("Tanh", [times(inner, graph.scalar(SLOPE))]);
  const half = times(z, graph.scalar(0.5));
  return { tensor: times(half, graph.op("Add", [tanh, graph.scalar(1)])), tanh };
}

function matrixOf({ id, width, hidden }: GeluNode): Matrix {
  return { key: `${id}.c_fc.weight`, bias: `${id}.c_fc.bias`, out: hidden, inputs: width, layout: "columns" };
}

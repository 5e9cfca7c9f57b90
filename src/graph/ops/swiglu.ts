import type { Share } from "../units.ts";
import { feedForwardUnit, tapOf } from "./feed-forward.ts";
import { emitInputGradient, emitProduct, giveMatrixGradients, type Matrix, matrixEntries } from "./matrix.ts";
import type { Op } from "./op.ts";

/**
 * The units of a gated feed-forward layer (Shazeer 2020): `a = silu(G·x)∘(U·x)` at each position. They are neurons; each owns its row
 * of `gate_proj`, its row of `up_proj` and the weights that `down_proj` reads it with. `id` is the state-dict prefix of the whole layer.
 */
export interface SwigluNode {
  op: "swiglu";
  id: string;
  input: string;
  width: number;
  hidden: number;
}

/** What the backward pass needs again: G·x, U·x and the sigmoid of the first. */
interface Gated {
  gate: string;
  up: string;
  sigmoid: string;
}

const FRESH = 0.02;

export const swiglu: Op<SwigluNode> = {
  tokens: true,
  inputs: ({ input }) => [input],
  infer({ id, width, hidden }, [[channels, positions]], { arch }) {
    if (channels === width) return [hidden, positions, 1];
    throw new Error(`${arch}: '${id}' reads ${channels} channels, not ${width}`);
  },
  channels: "own",
  state: (node) => matricesOf(node).flatMap((matrix) => matrixEntries(matrix, { deviation: FRESH })),
  multiplyAdds: ({ width, hidden }, [[, positions]]) => 2 * positions * width * hidden,
  unit(node, readers) {
    const [gate, up] = matricesOf(node);
    const owned: Share[] = [
      { key: gate.key, axis: 0, role: "weight" },
      { key: up.key, axis: 0, role: "up" },
    ];
    return feedForwardUnit(node.id, node.hidden, owned, readers);
  },
  forward(node, pass) {
    const { graph } = pass.lowering;
    const x = pass.feature(node.input);
    const [gate, up] = matricesOf(node).map((matrix) =>
      emitProduct(graph, x.tensor, matrix, (key, shape) => pass.parameter(key, shape)),
    );
    const sigmoid = graph.op("Sigmoid", [gate]);
    pass.keep<Gated>(node.id, { gate, up, sigmoid });
    const tensor = graph.op("Mul", [graph.op("Mul", [gate, sigmoid]), up]);
    pass.put(node.id, pass.intervened(tapOf(node), { ...x, channels: node.hidden, tensor }));
  },
  /** With p = G·x, q = U·x and s = σ(p): `∂q = ∂a∘p∘s`, `∂p = ∂a∘q∘s∘(1 + p∘(1 − s))`. */
  backward(node, pass) {
    const { graph } = pass.lowering;
    const da = pass.take(node.id);
    pass.tapped(tapOf(node), da);
    const x = pass.feature(node.input);
    const { gate, up, sigmoid } = pass.kept<Gated>(node.id);
    const times = (a: string, b: string) => graph.op("Mul", [a, b]);
    const slope = times(da.tensor, sigmoid);
    const dUp = times(slope, gate);
    const rest = graph.op("Sub", [graph.scalar(1), sigmoid]);
    const bend = graph.op("Add", [times(gate, rest), graph.scalar(1)]);
    const dGate = times(times(slope, up), bend);
    const matrices = matricesOf(node);
    for (const [i, dy] of [dGate, dUp].entries()) giveMatrixGradients(pass, x.tensor, dy, matrices[i]);
    if (!pass.wants(node.input)) return;
    const [a, b] = [dGate, dUp].map((dy, i) => emitInputGradient(graph, dy, matrices[i]));
    pass.give(node.input, { ...x, tensor: graph.op("Add", [a, b]) });
  },
  onnx(node, { graph, value, weight }) {
    const [gate, up] = matricesOf(node).map((matrix) => emitProduct(graph, value(node.input), matrix, weight));
    return graph.op("Mul", [graph.op("Mul", [gate, graph.op("Sigmoid", [gate])]), up]);
  },
};

function matricesOf({ id, width, hidden }: SwigluNode): [gate: Matrix, up: Matrix] {
  const matrix = (name: string): Matrix => {
    return { key: `${id}.${name}.weight`, out: hidden, inputs: width, layout: "rows" };
  };
  return [matrix("gate_proj"), matrix("up_proj")];
}

import type { GraphBuilder } from "../onnx.ts";
import { emitInputGradient, emitProduct, giveMatrixGradients, type Matrix, matrixEntries } from "./matrix.ts";
import type { Op } from "./op.ts";
import { rotate, rotateBack } from "./rotary.ts";

/**
 * Causal self-attention: each position looks at itself and at earlier ones. Several heads may share keys and values (grouped-query
 * attention, Ainslie et al. 2023): head h has those of group `⌊h·groups/heads⌋`. `id` is the state-dict prefix. The layout says which
 * entries there are: `llama` has q_proj, k_proj, v_proj and o_proj without bias; `gpt2` has c_attn, all three side by side, and c_proj,
 * each `[inputs, out]` with bias.
 */
export interface AttentionNode {
  op: "attention";
  id: string;
  input: string;
  width: number;
  heads: number;
  groups: number;
  headSize: number;
  layout: "llama" | "gpt2";
  /** θ of rotary positions; absent: none. */
  rotary?: number;
  /** Standard deviation of fresh output weights. */
  deviation: number;
}

/** What the backward pass needs again: queries `[n·groups, heads/groups·T, size]`, keys, values `[n·groups, T, size]`, attention weights, heads' outputs. */
interface Attended {
  q: string;
  k: string;
  v: string;
  weights: string;
  joined: string;
}

const FRESH = 0.02;
/** What a position adds to the score of a later one: its weight becomes exactly 0. */
const NEVER = -1e9;

export const attention: Op<AttentionNode> = {
  tokens: true,
  inputs: ({ input }) => [input],
  infer({ id, width, heads, groups, headSize, layout }, [shape], { arch }) {
    if (shape[0] !== width) throw new Error(`${arch}: '${id}' reads ${shape[0]} channels, not ${width}`);
    if (heads % groups !== 0)
      throw new Error(`${arch}: '${id}' has ${heads} heads, which ${groups} groups do not divide`);
    if (headSize % 2 !== 0) throw new Error(`${arch}: '${id}' has heads of ${headSize} numbers, which is odd`);
    if (layout === "gpt2" && groups !== heads) throw new Error(`${arch}: '${id}' shares keys, which GPT-2 does not`);
    return shape;
  },
  channels: "own",
  state: (node) => [
    ...inward(node).flatMap((matrix) => matrixEntries(matrix, { deviation: FRESH })),
    ...matrixEntries(outward(node), { deviation: node.deviation }),
  ],
  multiplyAdds: ({ width, heads, groups, headSize }, [[, positions]]) =>
    positions * (width * headSize * 2 * (heads + groups) + 2 * positions * heads * headSize),
  forward(node, pass) {
    const { graph } = pass.lowering;
    const x = pass.feature(node.input);
    const declare = (key: string, shape: number[]) => pass.parameter(key, shape);
    const attended = attend(graph, x.tensor, x.height, node, declare);
    pass.keep<Attended>(node.id, attended);
    pass.put(node.id, { ...x, tensor: emitProduct(graph, attended.joined, outward(node), declare) });
  },
  /** With weights P and outputs O = P·V: `∂V = Pᵀ∂O`, `∂P = ∂O·Vᵀ`, `∂S = P∘(∂P − Σ_row ∂P∘P)`, `∂Q = ∂S·K/√h`, `∂K = ∂Sᵀ·Q/√h`. */
  backward(node, pass) {
    const { graph } = pass.lowering;
    const dy = pass.take(node.id);
    const x = pass.feature(node.input);
    const { q, k, v, weights, joined } = pass.kept<Attended>(node.id);
    giveMatrixGradients(pass, joined, dy.tensor, outward(node));
    const turn = (value: string) => graph.transpose(value, [0, 2, 1]);
    const over = (value: string) => graph.op("ReduceSum", [value, graph.integers([2])], { keepdims: 1 });
    const joinedGradient = emitInputGradient(graph, dy.tensor, outward(node));
    const dOut = split(graph, joinedGradient, x.height, node.heads, node, (heads) => heads);
    const dv = graph.op("MatMul", [turn(weights), dOut]);
    const dWeights = graph.op("MatMul", [dOut, turn(v)]);
    const inner = over(graph.op("Mul", [dWeights, weights]));
    const dScores = graph.op("Mul", [weights, graph.op("Sub", [dWeights, inner])]);
    const scaled = graph.op("Mul", [dScores, graph.scalar(1 / Math.sqrt(node.headSize))]);
    const back = (value: string, heads: number, turned: boolean) =>
      join(graph, value, x.height, heads, node, (byHead) =>
        turned && node.rotary !== undefined ? rotateBack(graph, byHead, x.height, node.headSize, node.rotary) : byHead,
      );
    const gradients = [
      back(graph.op("MatMul", [scaled, k]), node.heads, true),
      back(graph.op("MatMul", [turn(scaled), q]), node.groups, true),
      back(dv, node.groups, false),
    ];
    const matrices = inward(node);
    const outputs = matrices.length === 1 ? [graph.op("Concat", gradients, { axis: 1 })] : gradients;
    for (const [i, matrix] of matrices.entries()) giveMatrixGradients(pass, x.tensor, outputs[i], matrix);
    if (!pass.wants(node.input)) return;
    const parts = matrices.map((matrix, i) => emitInputGradient(graph, outputs[i], matrix));
    const tensor = parts.reduce((sum, part) => graph.op("Add", [sum, part]));
    pass.give(node.input, { ...dy, tensor });
  },
  onnx(node, { graph, value, shape, weight }) {
    const { joined } = attend(graph, value(node.input), shape(node.input)[1], node, weight);
    return emitProduct(graph, joined, outward(node), weight);
  },
};

function inward({ id, width, heads, groups, headSize, layout }: AttentionNode): Matrix[] {
  if (layout === "gpt2") {
    const out = 3 * heads * headSize;
    return [{ key: `${id}.c_attn.weight`, bias: `${id}.c_attn.bias`, out, inputs: width, layout: "columns" }];
  }
  return [heads, groups, groups].map((count, i) => {
    return { key: `${id}.${"qkv"[i]}_proj.weight`, out: count * headSize, inputs: width, layout: "rows" };
  });
}

function outward({ id, width, heads, headSize, layout }: AttentionNode): Matrix {
  const size = { out: width, inputs: heads * headSize };
  return layout === "gpt2"
    ? { key: `${id}.c_proj.weight`, bias: `${id}.c_proj.bias`, ...size, layout: "columns" }
    : { key: `${id}.o_proj.weight`, ...size, layout: "rows" };
}

/** Emits all up to what the heads put out, side by side, `[n·T, heads·size]`. */
function attend(
  graph: GraphBuilder,
  x: string,
  positions: number,
  node: AttentionNode,
  declare: (key: string, shape: number[]) => string,
): Attended {
  const { heads, groups, headSize, rotary } = node;
  const products = inward(node).map((matrix) => emitProduct(graph, x, matrix, declare));
  const [queries, keys, values] =
    products.length === 1
      ? graph.ops("Split", [products[0], graph.integers([1, 1, 1].map(() => heads * headSize))], 3, { axis: 1 })
      : products;
  const turned = (byHead: string) =>
    rotary === undefined ? byHead : rotate(graph, byHead, positions, headSize, rotary);
  const q = split(graph, queries, positions, heads, node, turned);
  const k = split(graph, keys, positions, groups, node, turned);
  const v = split(graph, values, positions, groups, node, (byHead) => byHead);
  const scores = graph.op("MatMul", [q, graph.transpose(k, [0, 2, 1])]);
  const scaled = graph.op("Mul", [scores, graph.scalar(1 / Math.sqrt(headSize))]);
  const rows = (heads / groups) * positions;
  const mask = graph.vector("causal", [rows, positions], (i) =>
    i % positions > Math.floor(i / positions) % positions ? NEVER : 0,
  );
  const weights = graph.op("Softmax", [graph.op("Add", [scaled, mask])], { axis: 2 });
  const out = graph.op("MatMul", [weights, v]);
  return { q, k, v, weights, joined: join(graph, out, positions, heads, node, (byHead) => byHead) };
}

/** `[n·T, heads·size]` as `[n·groups, heads/groups·T, size]`, the heads of a group one after the other. @param change of `[n, heads, T, size]` */
function split(
  graph: GraphBuilder,
  value: string,
  positions: number,
  heads: number,
  { groups, headSize }: AttentionNode,
  change: (byHead: string) => string,
): string {
  const byHead = graph.transpose(graph.reshape(value, [-1, positions, heads, headSize]), [0, 2, 1, 3]);
  return graph.reshape(change(byHead), [-1, (heads / groups) * positions, headSize]);
}

/** The other way. */
function join(
  graph: GraphBuilder,
  value: string,
  positions: number,
  heads: number,
  { headSize }: AttentionNode,
  change: (byHead: string) => string,
): string {
  const byHead = change(graph.reshape(value, [-1, heads, positions, headSize]));
  return graph.reshape(graph.transpose(byHead, [0, 2, 1, 3]), [-1, heads * headSize]);
}

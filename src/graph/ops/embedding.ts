import type { Network } from "../network.ts";
import type { Op } from "./op.ts";

/** Channels of an input of token numbers: the number, and 1 at the position whose continuation is the answer. */
export const TOKEN_CHANNELS = 2;

/**
 * The vectors of a sequence's tokens. From `ids` the input is `[number, answer]` at each position, and the graph looks them up; from
 * `vectors` the caller has done so, the input is `[vector, answer]`, and its gradient is that of the embedded sequence. `id` is the
 * table's state-dict prefix.
 */
export interface EmbeddingNode {
  op: "embedding";
  id: string;
  input: string;
  vocabulary: number;
  width: number;
  from: "ids" | "vectors";
  /** Standard deviation of a fresh vector's values, 0.25 where it is absent. */
  deviation?: number;
}

/** The entry of the state that holds the table. */
export const tableOf = ({ id }: Pick<EmbeddingNode, "id">) => `${id}.weight`;

/** Standard deviation of a fresh vector's values where a network states none: tokens must stay visible beside what attention adds (docs/language.md). */
const FRESH = 0.25;

/** A network whose fresh embedding has another standard deviation; itself where none is given. */
export function withFreshEmbedding(network: Network, deviation: number | undefined): Network {
  if (deviation === undefined) return network;
  return { ...network, nodes: network.nodes.map((node) => (node.op === "embedding" ? { ...node, deviation } : node)) };
}

export const embedding: Op<EmbeddingNode> = {
  tokens: true,
  inputs: ({ input }) => [input],
  infer({ id, width, from }, [[channels, positions, side]], { arch }) {
    const wanted = from === "ids" ? TOKEN_CHANNELS : width + 1;
    if (channels === wanted && side === 1) return [width, positions, 1];
    throw new Error(`${arch}: '${id}' reads ${wanted} numbers at each position, not ${channels}`);
  },
  channels: "own",
  state: (node) => [
    {
      key: tableOf(node),
      shape: [node.vocabulary, node.width],
      trained: true,
      fresh: { deviation: node.deviation ?? FRESH },
    },
  ],
  forward(node, pass) {
    const { graph } = pass.lowering;
    const x = pass.feature(node.input);
    const table = node.from === "ids" ? pass.parameter(tableOf(node), [node.vocabulary, node.width]) : "";
    const tensor = embedded(graph, x.tensor, table, node);
    pass.put(node.id, { ...x, channels: node.width, tensor });
  },
  backward(node, pass) {
    const dy = pass.take(node.id);
    pass.lookupGradient(tableOf(node), dy.tensor, [pass.lowering.batch * dy.height, node.width]);
    if (node.from === "ids" || !pass.wants(node.input)) return;
    const { graph } = pass.lowering;
    const answers = graph.op("Mul", [channelsOf(graph, dy.tensor, 0, 1), graph.scalar(0)]);
    const tensor = graph.op("Concat", [dy.tensor, answers], { axis: 1 });
    pass.give(node.input, { ...dy, channels: node.width + 1, tensor });
  },
  onnx: (node, { graph, value, weight }) => {
    const table = node.from === "ids" ? weight(tableOf(node)) : "";
    return embedded(graph, value(node.input), table, node);
  },
};

function embedded(graph: Parameters<typeof channelsOf>[0], x: string, table: string, node: EmbeddingNode): string {
  if (node.from === "vectors") return channelsOf(graph, x, 0, node.width);
  const numbers = graph.op("Squeeze", [channelsOf(graph, x, 0, 1), graph.integers([1])]);
  return graph.op("Gather", [table, graph.op("Cast", [numbers], { to: 7 })], { axis: 0 });
}

/** Columns `[from, to)` of `[positions, channels]`. */
export function channelsOf(
  graph: { op: Slicer; integers(values: number[]): string },
  x: string,
  from: number,
  to: number,
): string {
  const [starts, ends, axes] = [[from], [to], [1]].map((values) => graph.integers(values));
  return graph.op("Slice", [x, starts, ends, axes]);
}

type Slicer = (type: string, inputs: string[], attributes?: Record<string, number>) => string;

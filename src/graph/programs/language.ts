import { BatchNormUnits, type ParameterSink } from "../batchnorm.ts";
import type { Feature, Lowering } from "../lowering/lowering.ts";
import { classifierOf, type Network, OUTPUT, outputWeight } from "../network.ts";
import { emitContinuationLoss, NEXT, WEIGHTS } from "../objectives/continuation.ts";
import type { Program } from "../onnx.ts";
import { type EmbeddingNode, tableOf } from "../ops/embedding.ts";
import type { LayerNode } from "../ops/registry.ts";
import { Walk } from "../walk.ts";
import { gradientOf } from "./train.ts";

/** Gradient at the embedded sequence, `[n·T, width]`: of each looked-up vector. */
export const EMBEDDED_GRADIENT = "embedded#gradient";

export interface LanguageProgram {
  program: Program;
  /** Parameters and their shapes, in the graph as in the state. All get a gradient; that of the embedding lacks what was looked up. */
  parameters: Map<string, number[]>;
  /** The embedding's table. */
  table: string;
}

/**
 * One step of training a language model, at every position: the loss is `Σ w·CE(next token)` over positions. Its weights w say what
 * counts: the answer's continuation, the text's, or none of what only fills up. Outputs: `loss`, the answer's `logits` `[n, vocabulary]`,
 * every parameter's gradient, and the one at the embedded sequence, which the host adds to the rows of the table that it came from.
 */
export function languageProgram(lowering: Lowering, network: Network): LanguageProgram {
  const { graph, batch } = lowering;
  const head = classifierOf(network);
  const { nodes, sequence, marks, table } = partsOf(network);
  const parameters = new Map<string, number[]>();
  const gradients = new Map<string, string>();
  const sink: ParameterSink = {
    parameter(key, shape) {
      if (parameters.has(key)) return key;
      parameters.set(key, shape);
      return graph.input(key, shape);
    },
    trains: () => true,
    gradient: (key, value) => void gradients.set(key, value),
    statistics: () => undefined,
    lookups: (_, value, shape) => graph.output(EMBEDDED_GRADIENT, value, shape),
  };
  const { channels, height, width } = network.input;
  const positions = batch * height;
  const input = lowering.image("input", channels, height, width);
  for (const name of [NEXT, WEIGHTS]) graph.input(name, [positions, 1]);
  const walk = new Walk(lowering, { ...network, nodes }, new BatchNormUnits(lowering, sink), { fuse: false });
  const forward = walk.forward(input);
  const hidden = forward.features.get(sequence)!;
  const weight = sink.parameter(outputWeight(head), [head.out, hidden.channels]);

  const dlogits = emitContinuationLoss(lowering, "loss", hidden, weight);
  const dhead = graph.op("Gemm", [dlogits, hidden.tensor], { transA: 1 });
  gradients.set(weight, dhead);
  const dhidden: Feature = { ...hidden, tensor: graph.op("MatMul", [dlogits, weight]) };
  walk.backwardFromFeature(forward, dhidden);

  const answer = new Walk(lowering, { ...network, nodes: marks }, new BatchNormUnits(lowering, sink), { fuse: false });
  const known = new Map([...forward.features, [network.nodes[0].id, input]]);
  graph.output(OUTPUT, answer.forwardFrom(known).logits, [batch, network.classes]);
  for (const [key, gradient] of gradients) graph.output(gradientOf(key), gradient, parameters.get(key)!);
  return { program: graph.finish(), parameters, table };
}

/** The nodes up to the sequence that the answer is picked from, that sequence, the nodes behind it, and the embedding's table. */
export function partsOf({ arch, nodes }: Network) {
  const at = nodes.findIndex(({ op }) => op === "answer");
  const answer = nodes[at];
  const embedding = nodes.find((node): node is EmbeddingNode & LayerNode => node.op === "embedding");
  if (answer?.op !== "answer" || !embedding) throw new Error(`${arch} is no language model`);
  const sequence = answer.inputs[0];
  if (nodes[at - 1].id !== sequence) throw new Error(`${arch}: the answer must follow '${sequence}'`);
  return { nodes: nodes.slice(0, at), sequence, marks: nodes.slice(at), table: tableOf(embedding) };
}

/** A network whose positions are fewer: what follows them plays no part in what comes before. */
export function atPositions(network: Network, positions: number): Network {
  return { ...network, input: { ...network.input, height: positions } };
}

/** The same network reading embedded sequences, `[vector, answer]` at each position, in place of token numbers. */
export function fromVectors(network: Network): Network {
  const nodes = network.nodes.map((node) => (node.op === "embedding" ? { ...node, from: "vectors" as const } : node));
  const table = nodes.find((node) => node.op === "embedding");
  if (!table) throw new Error(`${network.arch} has no embedding`);
  return { ...network, nodes, input: { ...network.input, channels: table.width + 1 } };
}

import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { classifierOf, inferShapes, type Network, outputWeight } from "../network.ts";
import { NEXT, WEIGHTS } from "../objectives/continuation.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { partsOf } from "./language.ts";

/** The loss at every position, times its weight: `[n·T, 1]`. */
export const LOSSES = "losses";

/**
 * How a language model continues its sequences: `w·CE(next token)` at every position, without gradients. Inputs are `languageProgram`'s:
 * `input`, the tokens that follow, and what each position counts.
 */
export function continuationProgram(lowering: Lowering, network: Network): Program {
  const { graph, batch } = lowering;
  const { nodes, sequence } = partsOf(network);
  const { channels, height, width } = network.input;
  const positions = batch * height;
  const input = lowering.image("input", channels, height, width);
  const [next, weights] = [NEXT, WEIGHTS].map((name) => graph.input(name, [positions, 1]));
  const rule = new FoldedUnits(lowering, network);
  const forward = new Walk(lowering, { ...network, nodes }, rule, { fuse: false }).forward(input);
  const head = classifierOf(network);
  const weight = rule.parameter(outputWeight(head), [head.out, inferShapes(network).get(sequence)![0]]);
  const logP = lowering.logSoftmax(graph.op("Gemm", [forward.features.get(sequence)!.tensor, weight], { transB: 1 }));
  const right = graph.op("GatherElements", [logP, graph.op("Cast", [next], { to: 7 })], { axis: 1 });
  graph.output(LOSSES, graph.op("Neg", [graph.op("Mul", [right, weights])]), [positions, 1]);
  return graph.finish();
}

import type { Feature, Lowering } from "../lowering/lowering.ts";

/** Graph inputs: what follows each position, as token numbers, and what each counts: `[n·T, 1]`. */
export const NEXT = "next";
export const WEIGHTS = "weights";

/**
 * How a language model continues its sequences, as something to minimise: puts out `Σ w·CE(next token)` over positions. The two inputs are
 * the caller's to declare.
 *
 * @param name of the output
 * @param hidden what the head reads at every position
 * @param head the head's weights, `[vocabulary, channels]`
 * @returns the gradient of that sum by the logits, `[n·T, vocabulary]`
 */
export function emitContinuationLoss(lowering: Lowering, name: string, hidden: Feature, head: string): string {
  const { graph } = lowering;
  const logP = lowering.logSoftmax(graph.op("Gemm", [hidden.tensor, head], { transB: 1 }));
  const numbers = graph.op("Cast", [NEXT], { to: 7 });
  const right = graph.op("GatherElements", [logP, numbers], { axis: 1 });
  const total = graph.op("ReduceSum", [graph.op("Mul", [right, WEIGHTS])], { keepdims: 0 });
  graph.output(name, graph.op("Neg", [total]), []);
  // ∂ = w·(softmax − onehot): what is right is taken off in place.
  const weighted = graph.op("Mul", [graph.op("Exp", [logP]), WEIGHTS]);
  const off = graph.op("Neg", [WEIGHTS]);
  return graph.op("ScatterElements", [weighted, numbers, off], { axis: 1, reduction: "add" });
}

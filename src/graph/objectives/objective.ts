import type { Lowering } from "../lowering/lowering.ts";
import type { Network } from "../network.ts";

/** A number per image, and its gradient by what the network puts out: graph values `[n]` and `[n, classes]`. */
export interface Scored {
  value: string;
  gradient: string;
}

/**
 * What a program differentiates. Declares what it compares with as graph inputs, and gives what scores the network's
 * output; the gradient comes multiplied by `scale`, e.g. 1/n where the mean over a batch is meant.
 */
export type Objective = (lowering: Lowering, network: Network) => (logits: string, scale: number) => Scored;

/** The loss of a training step, already declared: outputs `loss` (mean over the batch) and `logits`. @returns the gradient of that mean */
export function emitMeanLoss(
  { graph, batch }: Lowering,
  network: Network,
  score: ReturnType<Objective>,
  logits: string,
): string {
  const { value, gradient } = score(logits, 1 / batch);
  graph.output("loss", graph.op("ReduceMean", [value], { keepdims: 0 }), []);
  graph.output("logits", logits, [batch, network.classes]);
  return gradient;
}

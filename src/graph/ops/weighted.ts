import type { ConvShape } from "../lowering/lowering.ts";
import type { BackwardPass, ForwardPass } from "./op.ts";

/** What a rule needs of a node with weights: a convolution, or a linear layer as one of kernel 1 on maps of one position. */
export interface Weighted {
  id: string;
  /** The state-dict prefix of the batch norm behind it, if any. */
  bn?: string;
  input: string;
  out: number;
  kernel: number;
  stride: number;
  padding: number;
  bias: boolean;
  relu: boolean;
}

/** A node with weights and batch norm. */
export type NormalisedNode = Weighted & { bn: string };

export function convShape({ out, kernel, stride, padding }: Weighted): ConvShape {
  return { out, kernel, stride, padding };
}

/** Emits a weighted node's output by the rule. */
export function forwardWeighted(node: Weighted, pass: ForwardPass): void {
  const y = pass.rule.forward(node, pass.feature(node.input), { relu: node.relu });
  pass.put(node.id, pass.intervened(node, y));
}

/** Emits its gradients from that at its own output. */
export function backwardWeighted(node: Weighted, pass: BackwardPass): void {
  const taken = pass.take(node.id);
  pass.tapped(node, taken);
  const dy = node.relu ? pass.beforeRelu(node.id, taken) : taken;
  pass.addTo(node.input, (input) => pass.rule.backward(node, pass.feature(node.input), dy, input));
}

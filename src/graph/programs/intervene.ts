import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { type Network, unitsOf, type Weighted } from "../network.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

export const maskInput = (unit: string) => `${unit}#mask`;
export const keepInput = (unit: string) => `${unit}#keep`;

/**
 * The causal test of Rule 3 (docs/methods.md §6.3): the second half of the batch runs with the activations of some
 * neurons (`<unit>#mask` = 1, `<unit>#keep` = 0) replaced by those of the same image in the first half. Feed the clean
 * images first, the same images with the trigger second; the logits' second half is the answer.
 */
export function patchProgram(lowering: Lowering, network: Network, patched: ReadonlySet<string>): Program {
  const { graph } = lowering;
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  for (const unit of unitsOf(network)) {
    if (!patched.has(unit.id)) continue;
    graph.input(maskInput(unit.id), [unit.width]);
    graph.input(keepInput(unit.id), [unit.width]);
  }
  const intervene = (unit: Weighted, activation: ReturnType<Lowering["image"]>) => {
    if (!patched.has(unit.id)) return activation;
    const [clean, triggered] = lowering.splitBatch(activation);
    const borrowed = lowering.scaleShift(clean, maskInput(unit.id), undefined);
    const mixed = lowering.scaleShift(triggered, keepInput(unit.id), undefined, { sum: borrowed });
    return lowering.joinBatch(clean, mixed);
  };
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: false, intervene });
  declareClassifier(lowering, network);
  const forward = walk.forward(image);
  graph.output("logits", forward.logits, [lowering.batch, network.classes]);
  return graph.finish();
}

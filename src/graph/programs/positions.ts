import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { type Network, OUTPUT, unitsOf } from "../network.ts";
import type { Program } from "../onnx.ts";
import { type OnTap, Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/** The graph input that says which output is asked about, one-hot `[n, outputs]`. */
export const ASKED = "asked";

/** Output keys: a unit's activation a and `∂z/∂a` at every position, `[n·positions, width]`. */
export const activationAt = (unit: string) => `${unit}#activation_at`;
export const slopeAt = (unit: string) => `${unit}#slope_at`;

/** What one output z of a network of sequences owes to every neuron at every position, to first order. Inputs `input` and {@link ASKED}. */
export function positionProgram(lowering: Lowering, network: Network): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const input = lowering.image("input", channels, height, width);
  const asked = graph.input(ASKED, [batch, network.classes]);
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: false });
  declareClassifier(lowering, network);
  const forward = walk.forward(input);
  graph.output(OUTPUT, forward.logits, [batch, network.classes]);
  const widths = new Map(unitsOf(network).map((unit) => [unit.id, unit.width]));
  const onTap: OnTap = ({ id }, activation, gradient) => {
    const size = widths.get(id);
    if (size === undefined) return;
    graph.output(activationAt(id), activation.tensor, [batch * height, size]);
    graph.output(slopeAt(id), gradient.tensor, [batch * height, size]);
  };
  walk.backward(forward, asked, { onTap });
  return graph.finish();
}

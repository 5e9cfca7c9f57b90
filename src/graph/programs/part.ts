import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { inferShapes, type Network } from "../network.ts";
import type { Program } from "../onnx.ts";
import type { Part } from "../suffix.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/** The graph input or output of a feature `[N, C, H, W]`. */
export const featureOf = (id: string) => `${id}#feature`;

/**
 * A part of a network in the middle: features in, features out, batch norm folded.
 *
 * @param wanted ids of the features that are outputs; of nodes of the part
 */
export function middleProgram(lowering: Lowering, network: Network, part: Part, wanted: readonly string[]): Program {
  const { graph } = lowering;
  const shapes = inferShapes(network);
  // What is wanted may be a unit's own activation before an addition.
  const forward = walkPart(lowering, network, part, false).forwardFrom(given(lowering, network, part));
  for (const id of wanted) {
    const output = lowering.toNchw(forward.features.get(id)!);
    graph.output(featureOf(id), output, [lowering.batch, ...shapes.get(id)!]);
  }
  return graph.finish();
}

/** The last part of a network: features in, `logits` `[N, classes]` out, batch norm folded. */
export function lastProgram(lowering: Lowering, network: Network, part: Part): Program {
  const walk = walkPart(lowering, network, part, true);
  const features = given(lowering, network, part);
  declareClassifier(lowering, network);
  const forward = walk.forwardFrom(features);
  lowering.graph.output("logits", forward.logits, [lowering.batch, network.classes]);
  return lowering.graph.finish();
}

function given(lowering: Lowering, network: Network, part: Part) {
  const shapes = inferShapes(network);
  const isImage = (id: string) => id === network.nodes[0].id;
  return new Map(
    part.reads.map((id) => {
      const [name, shape] = [featureOf(id), shapes.get(id)!];
      return [id, isImage(id) ? lowering.image(name, ...shape) : lowering.feature(name, ...shape)];
    }),
  );
}

function walkPart(lowering: Lowering, network: Network, { nodes }: Part, fuse: boolean): Walk {
  const only = new Set(nodes.map(({ id }) => id));
  return new Walk(lowering, { ...network, nodes }, new FoldedUnits(lowering, network, { only }), { fuse });
}

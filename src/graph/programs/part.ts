import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { inferShapes, type Network } from "../network.ts";
import type { Program } from "../onnx.ts";
import type { Part } from "../suffix.ts";
import { Walk } from "../walk.ts";
import { declareClassifier } from "./classifier.ts";

/** The graph input or output of a feature: `[N, C, H, W]`, or as the lowering stores it. */
export const featureOf = (id: string) => `${id}#feature`;

/** Between programs of one kind of lowering and one batch features need not be `[N, C, H, W]`. */
export interface PartOptions {
  /** Whether features other than the image go in and come out as the lowering stores them. */
  stored?: boolean;
}

/**
 * A part of a network in the middle: features in, features out, batch norm folded.
 *
 * @param wanted ids of the features that are outputs; of nodes of the part
 */
export function middleProgram(
  lowering: Lowering,
  network: Network,
  part: Part,
  wanted: readonly string[],
  options: PartOptions = {},
): Program {
  const { graph } = lowering;
  const shapes = inferShapes(network);
  // What is wanted may be a unit's own activation before an addition.
  const forward = walkPart(lowering, network, part, false).forwardFrom(given(lowering, network, part, options));
  for (const id of wanted) {
    if (options.stored) {
      lowering.store(featureOf(id), forward.features.get(id)!);
      continue;
    }
    const output = lowering.toNchw(forward.features.get(id)!);
    graph.output(featureOf(id), output, [lowering.batch, ...shapes.get(id)!]);
  }
  return graph.finish();
}

/** The last part of a network: features in, `logits` `[N, classes]` out, batch norm folded. */
export function lastProgram(lowering: Lowering, network: Network, part: Part, options: PartOptions = {}): Program {
  const walk = walkPart(lowering, network, part, true);
  const features = given(lowering, network, part, options);
  declareClassifier(lowering, network);
  const forward = walk.forwardFrom(features);
  lowering.graph.output("logits", forward.logits, [lowering.batch, network.classes]);
  return lowering.graph.finish();
}

function given(lowering: Lowering, network: Network, part: Part, { stored }: PartOptions) {
  const shapes = inferShapes(network);
  const isImage = (id: string) => id === network.nodes[0].id;
  return new Map(
    part.reads.map((id) => {
      const [name, shape] = [featureOf(id), shapes.get(id)!];
      if (isImage(id)) return [id, lowering.image(name, ...shape)];
      const [channels, height, width] = shape;
      return [id, stored ? lowering.stored(name, { channels, height, width }) : lowering.feature(name, ...shape)];
    }),
  );
}

function walkPart(lowering: Lowering, network: Network, { nodes }: Part, fuse: boolean): Walk {
  const only = new Set(nodes.map(({ id }) => id));
  return new Walk(lowering, { ...network, nodes }, new FoldedUnits(lowering, network, { only }), { fuse });
}

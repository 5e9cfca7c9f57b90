import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { inferShapes, type Network } from "../network.ts";
import type { Program } from "../onnx.ts";
import { prefixNodes } from "../suffix.ts";
import { Walk } from "../walk.ts";

/** The network up to a cut point: `input` → `feature` `[N, C, H, W]` at the cut. */
export function cutFeatureProgram(lowering: Lowering, network: Network, cut: string): Program {
  const { channels, height, width } = network.input;
  const image = lowering.image("input", channels, height, width);
  const prefix: Network = { ...network, nodes: prefixNodes(network, cut) };
  const walk = new Walk(lowering, prefix, new FoldedUnits(lowering, prefix), { fuse: true });
  // The prefix has no classifier, so none is declared.
  const forward = walk.forward(image, { weight: "", bias: "" });
  const [c, h, w] = inferShapes(network).get(cut)!;
  lowering.graph.output("feature", lowering.toNchw(forward.features.get(cut)!), [lowering.batch, c, h, w]);
  return lowering.graph.finish();
}

import { FoldedUnits } from "../folded.ts";
import type { Lowering } from "../lowering/lowering.ts";
import { type LayerNode, type Network, unitsOf } from "../network.ts";
import type { Program } from "../onnx.ts";
import { Walk } from "../walk.ts";

/** Inputs and outputs of the program. */
export const RESIDUAL = "residual";
export const WEIGHTS = "weights";
export const ACTIVITY = "activity";

/** The nodes of a decoder's first layer, and what it reads: the embedded sequence. */
function firstLayer({ arch, nodes }: Network): { reads: string; layer: LayerNode[]; end: string } {
  const start = nodes.findIndex(({ op }) => op !== "input" && op !== "embedding" && op !== "positions");
  const sums = nodes.filter(({ op }) => op === "add");
  if (start < 1 || sums.length < 2) throw new Error(`${arch} is no decoder`);
  const end = nodes.indexOf(sums[1]) + 1;
  return { reads: nodes[start - 1].id, layer: nodes.slice(start, end), end: nodes[end - 1].id };
}

/**
 * One layer of a decoder: what flows in at every position → what flows out, and how active its neurons are. Both are `residual`,
 * `[n·T, width]`; `activity` `[1, neurons]` is the sum over positions of |a|, each weighted by `weights` `[1, n·T]`. The weights of the
 * first layer are inputs under their names, so that any layer's can be fed.
 */
export function activityProgram(lowering: Lowering, network: Network): Program {
  const { graph, batch } = lowering;
  const { reads, layer, end } = firstLayer(network);
  const [unit] = unitsOf(network);
  const { height } = network.input;
  const embedded = network.nodes.find(({ op }) => op === "embedding")!;
  const width = (embedded as { width: number }).width;
  const walk = new Walk(lowering, { ...network, nodes: layer }, new FoldedUnits(lowering, network), { fuse: false });
  const { features } = walk.forwardFrom(new Map([[reads, lowering.image(RESIDUAL, width, height, 1)]]));
  const weights = graph.input(WEIGHTS, [1, batch * height]);
  const size = lowering.abs(features.get(unit.id)!);
  graph.output(ACTIVITY, graph.op("MatMul", [weights, size.tensor]), [1, unit.width]);
  graph.output(RESIDUAL, features.get(end)!.tensor, [batch * height, width]);
  return graph.finish();
}

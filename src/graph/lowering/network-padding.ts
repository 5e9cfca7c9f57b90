import { inferShapes, inputsOf, type Network } from "../network.ts";
import { opOf } from "../ops/registry.ts";
import { type Bin, ChannelSlots, sharing, wholeBin } from "./channel-slots.ts";
import { binsOf, type ConcatPart, joinedBins } from "./concat-bins.ts";

const ANY_BATCH = 2 ** 20;

/**
 * How many times the multiplications of a network's convolutions the blocked operators do, zeros included; 1 = no more. Of
 * batches that any number of images divides.
 */
export function networkPadding(network: Network, block: number): number {
  const shapes = inferShapes(network);
  const layouts = new Map<string, ChannelSlots>();
  /** Of concatenations, and of what pools make of them. */
  const concatenated = new Map<string, readonly Bin[]>();
  let [needed, padded] = [0, 0];
  for (const node of network.nodes) {
    const channels = shapes.get(node.id)![0];
    const how = opOf(node).channels;
    const before = how === "own" || how === "spread" ? [] : inputsOf(node);
    if (node.op === "concat") {
      const parts = before.map((id): ConcatPart => {
        const [part] = shapes.get(id)!;
        return { channels: part, bins: concatenated.get(id), shared: layouts.get(id)!.share > 1 };
      });
      concatenated.set(node.id, binsOf(parts, joinedBins(parts, block)));
    } else if (before.length > 0 && concatenated.has(before[0])) {
      concatenated.set(node.id, concatenated.get(before[0])!);
    }
    const bins = concatenated.get(node.id);
    layouts.set(
      node.id,
      new ChannelSlots(bins ?? wholeBin(channels), block, bins ? 1 : sharing(channels, block, ANY_BATCH)),
    );
    const weighted = opOf(node).weighted?.(node);
    const [, height, width] = shapes.get(node.id)!;
    // A dense layer is a product of matrices, which nothing pads.
    if (!weighted || height * width === 1) continue;
    const inputs = shapes.get(weighted.input)![0];
    const each = height * width * weighted.kernel ** 2;
    needed += each * inputs * weighted.out;
    const [from, to] = [layouts.get(weighted.input)!, layouts.get(node.id)!];
    const isImage = weighted.input === network.nodes[0].id;
    const images = Math.max(isImage ? 1 : from.share, to.share);
    const columns = isImage ? images * inputs : (images / from.share) * from.count;
    padded += (each * columns * (images / to.share) * to.count) / images;
  }
  return needed === 0 ? 1 : padded / needed;
}

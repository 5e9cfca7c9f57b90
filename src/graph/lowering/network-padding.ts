import { inferShapes, inputsOf, type Network } from "../network.ts";
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
    const before = node.op === "input" || node.op === "conv" ? [] : inputsOf(node);
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
    if (node.op !== "conv") continue;
    const [inputs, height, width] = [shapes.get(node.input)![0], ...shapes.get(node.id)!.slice(1)];
    const each = height * width * node.kernel * node.kernel;
    needed += each * inputs * node.out;
    const [from, to] = [layouts.get(node.input)!, layouts.get(node.id)!];
    const isImage = node.input === network.nodes[0].id;
    const images = Math.max(isImage ? 1 : from.share, to.share);
    const columns = isImage ? images * inputs : (images / from.share) * from.count;
    padded += (each * columns * (images / to.share) * to.count) / images;
  }
  return needed === 0 ? 1 : padded / needed;
}

import { BlockedLayout } from "./blocked-layout.ts";
import { ChannelSlots, roundUp, type SlotOwner, wholeBin } from "./channel-slots.ts";
import { binsOf, type ConcatPart, type JoinedBin, joinedBins } from "./concat-bins.ts";
import type { Feature } from "./lowering.ts";

/** Concatenations in the blocked layout, and what becomes of their gradients. */
export abstract class BlockedConcat extends BlockedLayout {
  override concat(parts: readonly Feature[]): Feature {
    const given = this.concatParts(parts);
    const joined = joinedBins(given, this.block);
    const bins = joined.map((members) => {
      const slots = this.binSlots(parts, members);
      let tensor: string | undefined;
      for (const { part, first } of members) tensor = this.intoBin(parts[part], first, slots, tensor);
      return { ...parts[members[0].part], tensor: tensor! };
    });
    const all = bins.length === 1 ? bins[0] : super.concat(bins);
    return { ...all, channels: channelsOf(parts), bins: binsOf(given, joined) };
  }

  override splitChannels(dy: Feature, parts: readonly Feature[]): Feature[] {
    const { graph } = this;
    const joined = joinedBins(this.concatParts(parts), this.block);
    const sizes = joined.map((members) => this.binSlots(parts, members));
    const tensors =
      sizes.length === 1
        ? [dy.tensor]
        : graph.ops("Split", [dy.tensor, graph.integers(sizes)], sizes.length, { axis: 1 });
    const result: Feature[] = [];
    for (const [i, members] of joined.entries()) {
      for (const { part, first } of members) {
        result[part] = { ...parts[part], tensor: this.outOfBin(tensors[i], parts[part], first, sizes[i]) };
      }
    }
    return result;
  }

  private concatParts(parts: readonly Feature[]): ConcatPart[] {
    return parts.map((part) => ({ channels: part.channels, bins: part.bins, shared: this.slots(part).share > 1 }));
  }

  private binSlots(parts: readonly Feature[], members: JoinedBin): number {
    const [{ part }] = members;
    if (parts[part].bins) return this.slotCount(parts[part]);
    return roundUp(channelsOf(members.map((member) => parts[member.part])), this.block);
  }

  /** A part in the slots of a bin from `first` on, with what is there already. What shares no blocks among images lies right. */
  private intoBin(part: Feature, first: number, slots: number, there: string | undefined): string {
    const { share } = this.slots(part);
    if (share === 1) return part.tensor;
    const { graph, batch } = this;
    const { channels, height, width } = part;
    const shared = new ChannelSlots(wholeBin(channels), this.block, share);
    const [rows, columns] = [binOwners(channels, share, first, slots), shared.owners(share)];
    const sum = there === undefined ? undefined : graph.reshape(there, [batch / share, rows.length, height, width]);
    const addend = sum === undefined ? undefined : { ...part, tensor: sum };
    const name = `into_bin_${channels}_${share}_${first}`;
    const y = this.move(part.tensor, part, share, rows, columns, name, addend);
    return graph.reshape(y, [batch, slots, height, width]);
  }

  /** The way back; of what lies alone, or before others, its blocks as they are. */
  private outOfBin(tensor: string, part: Feature, first: number, slots: number): string {
    const { share } = this.slots(part);
    if (share === 1) return tensor;
    const { channels } = part;
    const shared = new ChannelSlots(wholeBin(channels), this.block, share);
    const [rows, columns] = [shared.owners(share), binOwners(channels, share, first, slots)];
    return this.move(tensor, part, share, rows, columns, `out_of_bin_${channels}_${share}_${first}`);
  }
}

function channelsOf(parts: readonly Feature[]): number {
  return parts.reduce((sum, { channels }) => sum + channels, 0);
}

/** What the slots of so many images' bins hold of one part: its channels from a slot on. */
function binOwners(channels: number, images: number, first: number, slots: number): SlotOwner[] {
  return Array.from({ length: images * slots }, (_, i): SlotOwner => {
    const channel = (i % slots) - first;
    return channel >= 0 && channel < channels ? { image: Math.floor(i / slots), channel } : undefined;
  });
}

import type { FoldedState } from "../../graph/fold.ts";
import { foldedWeight } from "../../graph/folded.ts";
import { classifierOf, inferShapes, type Network, weightedNodes } from "../../graph/network.ts";
import { type ChangeNeeds, columnInput, otherInput, spotInput } from "../../graph/programs/change.ts";
import { featureOutput } from "../../graph/programs/unchanged.ts";

/** The feeds of a change program that differ from channel to channel; arrays are reused. */
export class ChannelFeeds {
  private readonly columns: { from: Float32Array; into: Float32Array; inputs: number; offset: number }[] = [];
  private readonly spots: { into: Float32Array; offset: number }[] = [];
  private readonly others: { key: string; into: Float32Array; channels: number; offset: number }[] = [];

  /** @param feeds the program's, to which these are added; @param batch pairs in a batch */
  constructor(
    network: Network,
    folded: FoldedState,
    needs: ChangeNeeds,
    feeds: Map<string, Float32Array>,
    batch: number,
  ) {
    const shapes = inferShapes(network);
    const units = new Map(weightedNodes(network).map((node) => [node.id, node]));
    const classifier = classifierOf(network);
    for (const [id, offset] of needs.columns) {
      const unit = units.get(id);
      const from = folded.get(unit ? foldedWeight(id) : `${classifier.id}.weight`)!;
      const inputs = shapes.get((unit ?? classifier).input)![0];
      const into = new Float32Array(from.length / inputs);
      this.columns.push({ from, into, inputs, offset });
      feeds.set(columnInput(id), into);
    }
    for (const [id, offset] of needs.spots) {
      const into = new Float32Array(shapes.get(id)![0]);
      this.spots.push({ into, offset });
      feeds.set(spotInput(id), into);
    }
    for (const [addition, { node, offset }] of needs.others) {
      const [channels, height, width] = shapes.get(addition)!;
      const into = new Float32Array(batch * height * width);
      this.others.push({ key: featureOutput(node), into, channels, offset });
      feeds.set(otherInput(addition), into);
    }
  }

  /** The weights and marks of a channel of the unit. */
  choose(channel: number): void {
    for (const { from, into, inputs, offset } of this.columns) {
      // Weights are `[out, kh, kw, in]`, so one input's are every so many values apart.
      for (let i = 0; i < into.length; i++) into[i] = from[i * inputs + offset + channel];
    }
    for (const { into, offset } of this.spots) {
      into.fill(0);
      into[offset + channel] = 1;
    }
  }

  /** What the channel is added to in the samples of a batch. @param unchanged outputs of the unchanged program */
  addends(channel: number, rows: Float32Array, count: number, unchanged: ReadonlyMap<string, Float32Array>): void {
    for (const { key, into, channels, offset } of this.others) {
      const from = unchanged.get(key)!;
      const area = into.length / rows.length;
      for (let pair = 0; pair < count; pair++) {
        const at = (rows[pair] * channels + offset + channel) * area;
        into.set(from.subarray(at, at + area), pair * area);
      }
    }
  }
}

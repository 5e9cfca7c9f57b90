import { NCHWC } from "../onnx.ts";
import { ChannelSlots, type SlotOwner, sharing, wholeBin } from "./channel-slots.ts";
import { CommonLowering } from "./common.ts";
import type { Feature, FeatureSize, Fusion, Storage } from "./lowering.ts";
import { type Positions, STEP } from "./pool-gradient.ts";

/** Up to so many channels the runtime's convolution takes its input unblocked. */
const MOST_IMAGE_CHANNELS = 3;

/**
 * How the blocked lowering lays features out, and the ways into, out of and within this layout: `[N, C/B, H, W, B]`, B the block
 * size that the runtime uses on this processor. Channels are padded with zeros to a multiple of B (`ChannelSlots`), inside
 * only: what goes in and comes out has as many as the network. Features of at most B/2 channels share each block among the
 * channels of several images, which follow each other in the batch. The image stays as it is.
 */
export abstract class BlockedLayout extends CommonLowering {
  protected readonly block: number;
  protected readonly images = new Set<string>();
  private readonly firstPositions = new Map<string, string>();

  constructor(batch: number, block: number) {
    super(batch);
    this.block = block;
  }

  image(name: string, channels: number, height: number, width: number): Feature {
    return this.fromNchw(this.graph.input(name, [this.batch, channels, height, width]), channels, height, width);
  }

  feature(name: string, channels: number, height: number, width: number): Feature {
    return this.toBlocks(this.graph.input(name, [this.batch, channels, height, width]), channels, height, width);
  }

  fromNchw(value: string, channels: number, height: number, width: number): Feature {
    if (channels > MOST_IMAGE_CHANNELS) return this.toBlocks(value, channels, height, width);
    this.images.add(value);
    return { tensor: value, channels, height, width };
  }

  protected toBlocks(value: string, channels: number, height: number, width: number): Feature {
    return this.inBlocks({ tensor: value, channels, height, width }, value);
  }

  /** An NCHW value in blocks that leave the slots free which x's leave free. */
  private inBlocks(x: Feature, nchw: string): Feature {
    // The images that share a block follow each other: together they are one image of all their channels.
    const { share } = this.slots(x);
    const shape = [this.batch / share, x.channels * share, x.height, x.width];
    const joined = share > 1 ? this.graph.reshape(nchw, shape) : nchw;
    const padded = this.joinedSlots(x).spread(this.graph, joined, shape, 1);
    return { ...x, tensor: this.graph.op("ReorderInput", [padded], {}, NCHWC) };
  }

  toNchw(x: Feature): string {
    if (this.images.has(x.tensor)) return x.tensor;
    const slots = this.slots(x);
    if (slots.share > 1) {
      return this.graph.reshape(this.reorderOutput(x, x.channels * slots.share, 0), this.nchw(x));
    }
    if (slots.whole) return this.reorderOutput(x, x.channels, 0);
    return slots.collect(this.graph, this.reorderOutput(x, slots.count, 0), 1);
  }

  protected laidOutAs(x: Feature, nchw: string): Feature {
    return this.images.has(x.tensor) ? { ...x, tensor: nchw } : this.inBlocks(x, nchw);
  }

  /** A block of one position is its channels one after the other: nothing is to be reordered. */
  override toVector(x: Feature): string {
    if (this.images.has(x.tensor)) return super.toVector(x);
    const { share, count } = this.slots(x);
    return this.perImage(this.graph.reshape(x.tensor, [this.batch / share, count]), x);
  }

  fromVector(value: string, { channels, height, width }: FeatureSize): Feature {
    const x = { tensor: value, channels, height, width };
    const { share } = this.slots(x);
    const shape = [this.batch / share, share * channels];
    const joined = share > 1 ? this.graph.reshape(value, shape) : value;
    const spread = this.joinedSlots(x).spread(this.graph, joined, shape, 1);
    return { ...x, tensor: this.graph.reshape(spread, this.extent(x)) };
  }

  protected toNhwc(x: Feature): string {
    if (this.images.has(x.tensor)) return this.graph.transpose(x.tensor, [0, 2, 3, 1]);
    if (x.channels === this.block) return x.tensor; // one block of channels is NHWC already
    const { share } = this.slots(x);
    if (share === 1) return this.reorderOutput(x, x.channels, 1);
    if (x.channels === 1) return this.toNchw(x);
    const { graph, batch } = this;
    const joined = share * x.channels === this.block ? x.tensor : this.reorderOutput(x, share * x.channels, 1);
    const apart = graph.reshape(joined, [batch / share, x.height * x.width, share, x.channels]);
    return graph.reshape(graph.transpose(apart, [0, 2, 1, 3]), [batch, x.height, x.width, x.channels]);
  }

  private reorderOutput(x: Feature, channels: number, channelsLast: number): string {
    return this.graph.op("ReorderOutput", [x.tensor], { channels, channels_last: channelsLast }, NCHWC);
  }

  protected slots(x: Pick<Feature, "channels" | "bins"> & { tensor?: string }): ChannelSlots {
    const apart = x.bins !== undefined || (x.tensor !== undefined && this.images.has(x.tensor));
    const share = apart ? 1 : sharing(x.channels, this.block, this.batch);
    return new ChannelSlots(x.bins ?? wholeBin(x.channels), this.block, share);
  }

  /** The slots of images that share a block, as those of one image with all their channels. */
  protected joinedSlots(x: Feature): ChannelSlots {
    const slots = this.slots(x);
    return slots.share === 1 ? slots : new ChannelSlots(wholeBin(slots.share * x.channels), this.block);
  }

  protected nchw(x: Feature): number[] {
    return [this.batch, x.channels, x.height, x.width];
  }

  protected override extent(x: Feature): number[] {
    return [this.batch / this.slots(x).share, this.slotCount(x), x.height, x.width];
  }

  /** What the slots of so many images' tensor hold, side by side. */
  protected owners(x: Feature, images: number): SlotOwner[] {
    if (!this.images.has(x.tensor)) return this.slots(x).owners(images);
    return Array.from({ length: images * x.channels }, (_, slot) => {
      return { image: Math.floor(slot / x.channels), channel: slot % x.channels };
    });
  }

  protected slotCount(x: Feature): number {
    return this.images.has(x.tensor) ? x.channels : this.slots(x).count;
  }

  /** A feature whose blocks `from` images share, as one whose blocks `to` images share. */
  protected regroup(tensor: string, size: FeatureSize, from: number, to: number): string {
    if (from === to) return tensor;
    const images = Math.max(from, to);
    const [given, taken] = [from, to].map((share) => new ChannelSlots(wholeBin(size.channels), this.block, share));
    const name = `regroup_${size.channels}_${from}_${to}`;
    const [rows, columns] = [taken.owners(images), given.owners(images)];
    const y = this.move(tensor, size, images, rows, columns, name);
    return this.graph.reshape(y, [this.batch / to, taken.count, size.height, size.width]);
  }

  /**
   * Every channel where the slots of so many images are to hold it.
   * @param name tells rows and columns apart from others
   * @param sum what is added to it
   */
  protected move(
    tensor: string,
    { height, width }: FeatureSize,
    images: number,
    rows: readonly SlotOwner[],
    columns: readonly SlotOwner[],
    name: string,
    sum?: Feature,
  ): string {
    const { graph, batch, block } = this;
    const value = (i: number) => {
      const [inner, c, r] = [i % block, Math.floor(i / block) % block, Math.floor(i / block ** 2)];
      const row = rows[Math.floor((r * block) / columns.length) * block + inner];
      const column = columns[((r * block) % columns.length) + c];
      return row && column && row.image === column.image && row.channel === column.channel ? 1 : 0;
    };
    const filter = graph.vector(name, [rows.length, columns.length, 1, 1], value);
    const joined = graph.reshape(tensor, [batch / images, columns.length, height, width]);
    return this.blockedConv(joined, filter, 1, 1, 1, 0, { sum });
  }

  override keep(key: string, x: Feature): void {
    super.keep(key, { ...x, tensor: this.regroup(x.tensor, x, this.slots(x).share, 1) });
  }

  override kept(name: string, size: FeatureSize, count: number, rows: string): Feature {
    const x = super.kept(name, size, count, rows);
    return { ...x, tensor: this.regroup(x.tensor, x, 1, this.slots(size).share) };
  }

  override store(key: string, x: Feature): void {
    const { channels, height, width } = x;
    const isWhole = x.bins === undefined && !this.images.has(x.tensor);
    super.store(key, isWhole ? x : this.toBlocks(this.toNchw(x), channels, height, width));
  }

  override storage({ channels, height, width }: FeatureSize): Storage {
    const { block, batch } = this;
    const { share, count } = this.slots({ channels });
    const area = height * width;
    const start = (image: number, channel: number) => {
      const slot = (image % share) * channels + channel;
      const blocks = Math.floor(image / share) * (count / block) + Math.floor(slot / block);
      return blocks * area * block + (slot % block);
    };
    return { length: (batch / share) * count * area, start, step: block };
  }

  /** Values of every slot, `[batch / share, slots]`, as `[batch, channels]`. */
  protected perImage(value: string, x: Feature): string {
    const collected = this.joinedSlots(x).collect(this.graph, value, 1);
    return this.slots(x).share > 1 ? this.graph.reshape(collected, [this.batch, x.channels]) : collected;
  }

  protected positions(x: Feature): Positions {
    const [joined, slots] = this.extent(x);
    return [(joined * slots) / this.block, x.height, x.width, this.block];
  }

  protected everySecond(x: Feature): Feature {
    const size = { channels: x.channels, bins: x.bins, height: Math.ceil(x.height / 2), width: Math.ceil(x.width / 2) };
    const [outer, , width, inner] = this.positions(x);
    const cell = (i: number) => 2 * Math.floor(i / size.width) * width + 2 * (i % size.width);
    const cells = this.graph.reshape(x.tensor, [outer, x.height * width, inner]);
    const [joined, slots] = this.extent(x);
    const tensor = this.gatherCells(cells, size.height * size.width, cell, [joined, slots, size.height, size.width]);
    return { ...size, tensor };
  }

  /** Four phases at half resolution → one map at full resolution. */
  protected interleave(phases: string[], x: Feature): string {
    const { graph, block: b } = this;
    const [n, c, height, width] = this.extent(x);
    const area = height * width;
    const joined = graph.reshape(graph.op("Concat", phases, { axis: 1 }), [n, (c / b) * area, b]);
    const cell = (i: number) => {
      const [block, row, column] = [Math.floor(i / area), Math.floor(i / width) % height, i % width];
      const phase = 2 * (row % 2) + (column % 2);
      return ((phase * c) / b + block) * (area / 4) + Math.floor(row / 2) * (width / 2) + Math.floor(column / 2);
    };
    return this.gatherCells(joined, (c / b) * area, cell, [n, c, height, width]);
  }

  /** Of every row of `cells`, `[rows, cells, B]`, the cells that `cell` names, by the one operator that threads share for it. */
  private gatherCells(cells: string, count: number, cell: (i: number) => number, shape: number[]): string {
    const { graph } = this;
    const indices = graph.integers(Array.from({ length: count }, (_, i) => cell(i)));
    return graph.reshape(graph.op("Gather", [cells, indices], { axis: 1 }), shape);
  }

  /**
   * A feature position by position, `[H·W, N·C]`.
   * @param again computed once more, so that the runtime does not keep it for so long
   */
  protected positionsFirst(x: Feature, again = false): string {
    const known = this.firstPositions.get(x.tensor);
    if (known !== undefined && !again) return known;
    const value = this.withPositionsFirst(x);
    if (!again) this.firstPositions.set(x.tensor, value);
    return value;
  }

  private withPositionsFirst(x: Feature): string {
    const { graph, batch } = this;
    const area = x.height * x.width;
    if (this.slots(x).full) {
      // All blocks of all images as those of one image: to have the channels last is to have the positions first.
      const all = graph.reshape(x.tensor, [1, batch * x.channels, x.height, x.width]);
      const options = { channels: batch * x.channels, channels_last: 1 };
      return graph.reshape(graph.op("ReorderOutput", [all], options, NCHWC), [area, batch * x.channels]);
    }
    const images = graph.reshape(this.toNhwc(x), [batch, area, x.channels]);
    return graph.reshape(graph.transpose(images, [1, 0, 2]), [area, batch * x.channels]);
  }

  /** The way back, for channels that fill their blocks. */
  protected fromPositions(value: string, { channels, height, width }: FeatureSize): string {
    const { graph, batch } = this;
    const image = graph.reshape(value, [1, height, width, batch * channels]);
    const blocks = graph.op("ReorderInput", [image], { channels_last: 1 }, NCHWC);
    return graph.reshape(blocks, [batch, channels, height, width]);
  }

  protected blockedConv(
    x: string,
    filter: string,
    kh: number,
    kw: number,
    stride: number,
    padding: number | number[],
    { bias, sum, relu, step }: Fusion & { step?: boolean } = {},
    group = 1,
  ): string {
    const inputs = [x, filter];
    if (bias || sum) inputs.push(bias ?? "");
    if (sum) inputs.push(sum.tensor);
    const pads = typeof padding === "number" ? [padding, padding, padding, padding] : padding;
    const attributes = {
      kernel_shape: [kh, kw],
      strides: [stride, stride],
      dilations: [1, 1],
      pads,
      group,
      activation: relu ? "Relu" : step ? "HardSigmoid" : undefined,
      activation_params: step ? { floats: [STEP.alpha, STEP.beta] } : undefined,
    };
    return this.graph.op("Conv", inputs, attributes, NCHWC);
  }
}

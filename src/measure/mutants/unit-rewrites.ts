import { chooseLowering } from "../../engine/lowering.ts";
import { type Arrays, Session } from "../../engine/session.ts";
import { activationBytes } from "../../graph/cost.ts";
import type { FoldedState } from "../../graph/fold.ts";
import { type ConvUnit, inferShapes, OUTPUT, outputsOf } from "../../graph/network.ts";
import { AFTER, BASE_LOGITS, BEFORE, type ChangeNeeds, changeProgram, ROWS } from "../../graph/programs/change.ts";
import { normOutput, windowOutput } from "../../graph/programs/unchanged.ts";
import { downstreamOf } from "../../graph/suffix.ts";
import type { Runtime } from "../runtime.ts";
import { ChannelFeeds } from "./channel-feeds.ts";
import { PairBatch } from "./pair-batch.ts";
import type { ChannelRewrite, OnRewritten } from "./rewrite.ts";

/** Pairs of a sample and a rewrite in one run, at most. */
const PAIRS = 128;

/** The rewrites of one unit's channels, with a session of what follows the unit. */
export class UnitRewrites {
  readonly needs: ChangeNeeds;
  /** Of the features that a run of the session produces. */
  readonly bytes: number;
  private readonly unit: ConvUnit;
  private readonly session: Session;
  private readonly feeds: Map<string, Float32Array>;
  private readonly own: ChannelFeeds;
  private readonly batch: PairBatch;
  private readonly rewrites: readonly ChannelRewrite[];
  /** Indices of rewrites, by channel. */
  private readonly channels: ReadonlyMap<number, number[]>;
  private readonly area: number;
  private readonly width: number;

  private constructor(
    { network }: Pick<Runtime, "network">,
    folded: FoldedState,
    unit: ConvUnit,
    rewrites: readonly ChannelRewrite[],
    channels: ReadonlyMap<number, number[]>,
    { session, needs, pairs, bytes }: { session: Session; needs: ChangeNeeds; pairs: number; bytes: number },
  ) {
    const [, height, width] = inferShapes(network).get(unit.id)!;
    this.area = height * width;
    this.width = outputsOf(network);
    this.unit = unit;
    this.needs = needs;
    this.bytes = bytes;
    this.session = session;
    this.rewrites = rewrites;
    this.channels = channels;
    this.batch = new PairBatch(pairs, this.area);
    this.feeds = new Map(folded);
    this.feeds.set(BEFORE, this.batch.before).set(AFTER, this.batch.after).set(ROWS, this.batch.rows);
    this.own = new ChannelFeeds(network, folded, needs, this.feeds, pairs);
  }

  /**
   * @param wanted indices of the rewrites that are of this unit
   * @param chunk samples whose unchanged features are given at a time
   */
  static async open(
    { network, pool }: Pick<Runtime, "network" | "pool">,
    folded: FoldedState,
    unit: ConvUnit,
    rewrites: readonly ChannelRewrite[],
    wanted: readonly number[],
    chunk: number,
  ): Promise<UnitRewrites> {
    const channels = new Map<number, number[]>();
    for (const i of wanted) {
      const { channel } = rewrites[i];
      const list = channels.get(channel);
      if (list) list.push(i);
      else channels.set(channel, [i]);
    }
    const pairs = evenBatch(chunk * Math.max(...[...channels.values()].map((list) => list.length)));
    const lowering = await chooseLowering(network, pairs);
    // One model, many runs: what a run would do to weights alone is done once.
    lowering.graph.freeze(folded);
    const { program, needs } = changeProgram(lowering, network, unit.id, chunk);
    const bytes = activationBytes(network, pairs, downstreamOf(network, unit.id).nodes);
    const session = await Session.open(program, { threads: pool.threads, activationBytes: bytes });
    return new UnitRewrites({ network }, folded, unit, rewrites, channels, { session, needs, pairs, bytes });
  }

  get id(): string {
    return this.unit.id;
  }

  /** @param kept outputs of the unchanged program for `count` samples, the first of which is sample `start` */
  async run(kept: Arrays, start: number, count: number, visit: OnRewritten): Promise<void> {
    const { unit, batch, area } = this;
    for (const [key, values] of kept) this.feeds.set(key, values);
    const outputs = kept.get(OUTPUT);
    if (outputs) this.feeds.set(BASE_LOGITS, outputs);
    const [y, sums] = [kept.get(normOutput(unit.id))!, kept.get(windowOutput(unit.id))!];
    for (const [channel, list] of this.channels) {
      this.own.choose(channel);
      for (const i of list) {
        for (let row = 0; row < count; row++) {
          const at = (row * unit.out + channel) * area;
          batch.add(i, row, this.rewrites[i], y, at, sums, row * area, unit.relu);
          if (batch.full) await this.flush(channel, kept, start, visit);
        }
      }
      await this.flush(channel, kept, start, visit);
    }
  }

  release(): Promise<void> {
    return this.session.release();
  }

  private async flush(channel: number, kept: Arrays, start: number, visit: OnRewritten): Promise<void> {
    const { batch, width } = this;
    if (batch.count === 0) return;
    this.own.addends(channel, batch.rows, batch.count, kept);
    const answers = (await this.session.run(this.feeds)).get(OUTPUT)!;
    for (let pair = 0; pair < batch.count; pair++) {
      visit(batch.rewrites[pair], start + batch.rows[pair], answers.subarray(pair * width, (pair + 1) * width));
    }
    batch.count = 0;
  }
}

/** Even parts of so many pairs, none above the most; whole eights, since narrow features share blocks among samples. */
function evenBatch(pairs: number): number {
  return 8 * Math.ceil(pairs / Math.ceil(pairs / PAIRS) / 8);
}

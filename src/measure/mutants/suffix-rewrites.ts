import type { ImageSet } from "../../datasets/types.ts";
import { chooseLowering } from "../../engine/lowering.ts";
import { Session } from "../../engine/session.ts";
import { type FoldedState, foldState } from "../../graph/fold.ts";
import { type ConvUnit, convUnits, inferShapes } from "../../graph/network.ts";
import { AFTER, BASE_LOGITS, BEFORE, changeProgram, ROWS } from "../../graph/programs/change.ts";
import { NORM, unchangedProgram, WINDOW } from "../../graph/programs/unchanged.ts";
import type { StateDict } from "../../tensor/state.ts";
import { slices } from "../batches.ts";
import type { OrtRunner } from "../ort-runner.ts";
import { ChannelFeeds } from "./channel-feeds.ts";
import { PairBatch } from "./pair-batch.ts";
import type { ChannelRewrite, ChannelRewrites, OnRewritten } from "./rewrite.ts";

/** Images whose unchanged features are held at a time. */
const CHUNK = 128;

/** Pairs of an image and a rewrite in one run, at most. */
const PAIRS = 128;

/**
 * Rewrites by what follows them: the unchanged features are computed once per unit and held, a rewrite changes one
 * channel's map, and only that map's way to the logits is run (see {@link changeProgram}).
 */
export class SuffixRewrites implements ChannelRewrites {
  private readonly runner: Pick<OrtRunner, "network" | "normalization" | "pool" | "logits">;
  private readonly state: StateDict;
  private readonly folded: FoldedState;
  private readonly images: ImageSet;

  constructor(
    runner: Pick<OrtRunner, "network" | "normalization" | "pool" | "logits">,
    state: StateDict,
    images: ImageSet,
  ) {
    this.runner = runner;
    this.state = state;
    this.folded = foldState(runner.network, state);
    this.images = images;
  }

  base(): Promise<Float32Array> {
    return this.runner.logits(this.state, this.images);
  }

  async run(rewrites: readonly ChannelRewrite[], visit: OnRewritten): Promise<void> {
    if (this.images.count === 0) return;
    const byUnit = new Map<string, number[]>();
    for (const [i, { unit }] of rewrites.entries()) listAt(byUnit, unit).push(i);
    for (const unit of convUnits(this.runner.network)) {
      const wanted = byUnit.get(unit.id);
      if (wanted) await this.runUnit(unit, rewrites, wanted, visit);
    }
  }

  private async runUnit(
    unit: ConvUnit,
    rewrites: readonly ChannelRewrite[],
    wanted: readonly number[],
    visit: OnRewritten,
  ): Promise<void> {
    const { network, normalization, pool } = this.runner;
    const [, height, width] = inferShapes(network).get(unit.id)!;
    const area = height * width;
    const channels = new Map<number, number[]>();
    for (const i of wanted) listAt(channels, rewrites[i].channel).push(i);
    const chunk = Math.min(CHUNK, this.images.count);
    const pairs = batchOf(chunk * Math.max(...[...channels.values()].map((list) => list.length)));

    const { program, needs } = changeProgram(await chooseLowering(network, pairs), network, unit.id, chunk);
    const before = unchangedProgram(await chooseLowering(network, chunk), network, unit.id, needs);
    const [changed, unchanged] = [await Session.open(program, pool), await Session.open(before, pool)];
    try {
      const feeds = new Map(this.folded);
      const batch = new PairBatch(pairs, area);
      feeds.set(BEFORE, batch.before).set(AFTER, batch.after).set(ROWS, batch.rows);
      const own = new ChannelFeeds(network, this.folded, needs, feeds, pairs);
      const unchangedFeeds = new Map(this.folded);
      for (const slice of slices(this.images, normalization, chunk)) {
        unchangedFeeds.set("input", slice.images);
        const kept = await unchanged.run(unchangedFeeds);
        for (const [key, values] of kept) feeds.set(key, values);
        const logits = kept.get("logits");
        if (logits) feeds.set(BASE_LOGITS, logits);
        for (const [channel, list] of channels) {
          own.choose(channel);
          const flush = async () => {
            if (batch.count === 0) return;
            own.addends(channel, batch.rows, batch.count, kept);
            const { classes } = network;
            const answers = (await changed.run(feeds)).get("logits")!;
            for (let pair = 0; pair < batch.count; pair++) {
              const image = slice.start + batch.rows[pair];
              visit(batch.rewrites[pair], image, answers.subarray(pair * classes, (pair + 1) * classes));
            }
            batch.count = 0;
          };
          for (const i of list) {
            for (let row = 0; row < slice.count; row++) {
              const at = (row * unit.out + channel) * area;
              batch.add(i, row, rewrites[i], kept.get(NORM)!, at, kept.get(WINDOW)!, row * area, unit.relu);
              if (batch.full) await flush();
            }
          }
          await flush();
        }
      }
    } finally {
      await changed.release();
      await unchanged.release();
    }
  }
}

/** Even parts of so many pairs, none above the most. */
function batchOf(pairs: number): number {
  return Math.ceil(pairs / Math.ceil(pairs / PAIRS));
}

function listAt<K>(lists: Map<K, number[]>, key: K): number[] {
  let list = lists.get(key);
  if (!list) {
    list = [];
    lists.set(key, list);
  }
  return list;
}

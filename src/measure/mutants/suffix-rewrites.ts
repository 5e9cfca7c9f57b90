import type { Samples } from "../../core/samples.ts";
import { chooseLowering } from "../../engine/lowering.ts";
import { Session } from "../../engine/session.ts";
import { activationBytes } from "../../graph/cost.ts";
import { type FoldedState, foldState } from "../../graph/fold.ts";
import { convUnits } from "../../graph/network.ts";
import { unchangedProgram, unchangedValues } from "../../graph/programs/unchanged.ts";
import type { StateDict } from "../../tensor/state.ts";
import { slices } from "../batches.ts";
import type { ModelRunner } from "../runner.ts";
import type { Runtime } from "../runtime.ts";
import { lastHidden, rewriteHidden } from "./hidden-rewrites.ts";
import type { ChannelRewrite, ChannelRewrites, OnRewritten } from "./rewrite.ts";
import { UnitRewrites } from "./unit-rewrites.ts";

/** Samples whose unchanged features are held at a time. */
const CHUNK = 128;

/** Values of unchanged features held at a time, about: 256 MB. */
const HELD = 64 * 1024 * 1024;

/**
 * Bytes of features that the sessions held at a time produce in a run, about: the runtime keeps some half of it for each.
 * Few enough that all of GoogLeNet's units do not come to gigabytes, so many that the unchanged pass is a small part.
 */
const SESSIONS = 640e6;

/**
 * Rewrites by what follows them: the unchanged features are computed once and held, a rewrite changes one
 * channel's map, and only that map's way to the output is run (see {@link changeProgram}).
 */
export class SuffixRewrites implements ChannelRewrites {
  private readonly runner: Runtime & Pick<ModelRunner, "outputs">;
  private readonly state: StateDict;
  private readonly folded: FoldedState;
  private readonly samples: Samples;

  constructor(runner: Runtime & Pick<ModelRunner, "outputs">, state: StateDict, samples: Samples) {
    this.runner = runner;
    this.state = state;
    this.folded = foldState(runner.network, state);
    this.samples = samples;
  }

  base(): Promise<Float32Array> {
    return this.runner.outputs(this.state, this.samples);
  }

  async run(rewrites: readonly ChannelRewrite[], visit: OnRewritten): Promise<void> {
    if (this.samples.count === 0) return;
    const { network } = this.runner;
    const chunk = Math.min(CHUNK, this.samples.count);
    const byUnit = new Map<string, number[]>();
    for (const [i, { unit }] of rewrites.entries()) listAt(byUnit, unit).push(i);
    const hidden = lastHidden(network).flatMap((unit) => byUnit.get(unit) ?? []);
    await rewriteHidden(this.runner, this.state, this.samples, rewrites, hidden, visit);
    let group: UnitRewrites[] = [];
    let [values, bytes] = [0, 0];
    try {
      for (const unit of convUnits(network)) {
        const wanted = byUnit.get(unit.id);
        if (!wanted) continue;
        const opened = await UnitRewrites.open(this.runner, this.folded, unit, rewrites, wanted, chunk);
        const more = unchangedValues(network, unit.id, opened.needs) * chunk;
        const isFull = values + more > HELD || bytes + opened.bytes > SESSIONS;
        const full = isFull ? group : [];
        if (isFull) [group, values, bytes] = [[], 0, 0];
        group.push(opened);
        values += more;
        bytes += opened.bytes;
        await this.runGroup(full, chunk, visit);
      }
      const last = group;
      group = [];
      await this.runGroup(last, chunk, visit);
    } finally {
      for (const unit of group) await unit.release();
    }
  }

  /** Some units whose unchanged features are held together. Releases them, each after its last run. */
  private async runGroup(group: readonly UnitRewrites[], chunk: number, visit: OnRewritten): Promise<void> {
    if (group.length === 0) return;
    const { network, pool } = this.runner;
    const needs = new Map(group.map((unit) => [unit.id, unit.needs]));
    const program = unchangedProgram(await chooseLowering(network, chunk), network, needs);
    const unchanged = await Session.open(program, {
      threads: pool.threads,
      activationBytes: activationBytes(network, chunk),
    });
    const open = new Set(group);
    try {
      const feeds = new Map(this.folded);
      for (const slice of slices(this.runner, this.samples, chunk)) {
        feeds.set("input", slice.inputs);
        const kept = await unchanged.run(feeds);
        for (const unit of group) {
          await unit.run(kept, slice.start, slice.count, visit);
          if (slice.start + slice.count < this.samples.count) continue;
          open.delete(unit);
          await unit.release();
        }
      }
    } finally {
      await unchanged.release();
      for (const unit of open) await unit.release();
    }
  }
}

function listAt<K>(lists: Map<K, number[]>, key: K): number[] {
  let list = lists.get(key);
  if (!list) {
    list = [];
    lists.set(key, list);
  }
  return list;
}

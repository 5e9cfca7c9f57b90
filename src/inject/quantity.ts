import type { Level } from "../core/ids.ts";
import type { NeuronSet } from "../core/neurons.ts";
import type { Random } from "../core/random.ts";
import type { ContributionOrder } from "./order.ts";

/** Rule 2 (docs/methods.md §6.2): share r of a layer's neurons and the least number m, per level. */
export const LEVEL_SIZES: Record<Level, { share: number; least: number }> = {
  narrow: { share: 0.02, least: 1 },
  small: { share: 0.05, least: 1 },
  middle: { share: 0.1, least: 2 },
  large: { share: 0.2, least: 3 },
};

/** `w_l = min(⌊C/3⌋, max(m, round(r·C)))`, at least 1. */
export function quantity(level: Level, width: number): number {
  const { share, least } = LEVEL_SIZES[level];
  return Math.max(1, Math.min(Math.floor(width / 3), Math.max(least, Math.round(share * width))));
}

/** First rank of the sub-network at an order offset of `top` percent. */
function firstRank(top: number, width: number): number {
  return Math.floor((top * width) / 100);
}

/** Ranks `[start, end)` of the contribution order that a level takes in a layer of `width` neurons at an offset. */
export function ranksOf(level: Level, top: number, width: number): { start: number; end: number } {
  const start = firstRank(top, width);
  return { start, end: Math.min(width, start + quantity(level, width)) };
}

/** The sub-network G: in every layer the ranks `[⌊q·C/100⌋, +w)` of the contribution order. */
export function chooseSubnetwork(order: ContributionOrder, level: Level, top: number): NeuronSet {
  const set: NeuronSet = {};
  for (const [layer, ranked] of Object.entries(order)) {
    const { start, end } = ranksOf(level, top, ranked.length);
    set[layer] = ranked.slice(start, end).sort((a, b) => a - b);
  }
  return set;
}

/**
 * As many non-infected neurons per layer as G has, drawn near G in the contribution order: Rule 3's random mask. The
 * pool is the ranks within twice G's size before and after it.
 */
export function randomNeighbours(
  order: ContributionOrder,
  infected: NeuronSet,
  level: Level,
  top: number,
  random: Random,
): NeuronSet {
  const set: NeuronSet = {};
  for (const [layer, channels] of Object.entries(infected)) {
    const ranked = order[layer];
    const count = quantity(level, ranked.length);
    const start = firstRank(top, ranked.length);
    const taken = new Set(channels);
    let reach = 2 * count;
    let pool: number[] = [];
    while (pool.length < count && reach <= 2 * ranked.length) {
      pool = ranked.slice(Math.max(0, start - reach), start + count + reach).filter((c) => !taken.has(c));
      reach *= 2;
    }
    set[layer] = [...random.shuffle(pool)].slice(0, count).sort((a, b) => a - b);
  }
  return set;
}

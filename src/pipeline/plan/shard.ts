import type { Plan } from "./plan.ts";

/** One of `count` parts of a plan; `index` counts from 0, as the array jobs of clusters do. */
export interface Shard {
  index: number;
  count: number;
}

/**
 * A part of a plan (all of it without a shard): equally many candidates each (give or take one), those of one clean model together, and the clean
 * models that they start from. It depends on nothing but the plan, so builders that never met divide the work alike;
 * a clean model that several parts need is trained by the one that claims it first.
 */
export function shardOf(plan: Plan, shard?: Shard): Plan {
  if (!shard) return plan;
  const { index, count } = shard;
  const place = new Map(plan.clean.map(({ id }, i) => [id, i]));
  const sorted = [...plan.candidates].sort((a, b) => place.get(a.clean)! - place.get(b.clean)!);
  const cut = (i: number) => Math.floor((i * sorted.length) / count);
  const candidates = sorted.slice(cut(index), cut(index + 1));
  const needed = new Set(candidates.map(({ clean }) => clean));
  return { clean: plan.clean.filter(({ id }) => needed.has(id)), candidates };
}

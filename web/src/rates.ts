import type { Samples } from "../../src/core/samples.ts";
import type { SiteDefect } from "../../src/records/site.ts";
import type { Trigger } from "../../src/tasks/backdoor.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import type { Engine } from "./engine.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";
import type { Share } from "./share.ts";

/** Success of the attack: triggered samples on which it shows whose outputs are what it wants. @returns null where `goOn` said no on the way */
export async function countHits(
  engine: Engine,
  exhibit: Exhibit,
  state: StateDict,
  samples: Samples,
  { trigger, facts }: { trigger: Trigger; facts: SiteDefect },
  goOn: () => boolean,
): Promise<Share | null> {
  const begin = performance.now();
  const others = exhibit.subset(samples, exhibit.eligible(samples, facts));
  let part = 0;
  const whole = await engine.eachLogits(state, exhibit.stamp(trigger, others), goOn, (logits, i) => {
    if (exhibit.succeeds(logits, others, i, facts.target)) part++;
  });
  return whole ? { part, of: others.count, milliseconds: performance.now() - begin } : null;
}

/** Quality on clean samples: of classifiers how many are classified as their label. @returns null where `goOn` said no on the way */
export async function sumQuality(
  engine: Engine,
  exhibit: Exhibit,
  state: StateDict,
  samples: Samples,
  goOn: () => boolean,
): Promise<Share | null> {
  const begin = performance.now();
  // Added in the samples' order, whatever order they are run in: a mean's last digits depend on it.
  const qualities = new Float64Array(samples.count);
  const whole = await engine.eachLogits(state, samples, goOn, (logits, i) => {
    qualities[i] = exhibit.quality(logits, samples, i);
  });
  const part = qualities.reduce((sum, quality) => sum + quality, 0);
  return whole ? { part, of: samples.count, milliseconds: performance.now() - begin } : null;
}

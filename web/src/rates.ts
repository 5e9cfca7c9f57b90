import type { Samples } from "../../src/core/samples.ts";
import { rowOf } from "../../src/measure/verdicts.ts";
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
  const outputs = await engine.logits(state, exhibit.stamp(trigger, others), goOn);
  if (!outputs) return null;
  let part = 0;
  for (let i = 0; i < others.count; i++) {
    if (exhibit.succeeds(rowOf(outputs, others.count, i), others, i, facts.target)) part++;
  }
  return { part, of: others.count, milliseconds: performance.now() - begin };
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
  const outputs = await engine.logits(state, samples, goOn);
  if (!outputs) return null;
  let part = 0;
  for (let i = 0; i < samples.count; i++) part += exhibit.quality(rowOf(outputs, samples.count, i), samples, i);
  return { part, of: samples.count, milliseconds: performance.now() - begin };
}

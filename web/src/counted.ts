import { useEffect, useState } from "preact/hooks";
import type { SiteDefect } from "../../src/records/site.ts";
import type { Trigger } from "../../src/tasks/backdoor.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import type { Engine } from "./engine.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";
import { isOf } from "./hooks.ts";
import { countHits, sumQuality } from "./rates.ts";
import type { Share } from "./share.ts";
import type { Batch } from "./view.ts";

/** What is counted of the infected model as it is silenced now. */
export interface Counted {
  asr: Share;
  /** Null where it is not counted yet, or cannot be. */
  ca: Share | null;
  /** Whether this is of what is asked now, and not of what was asked before. */
  current: boolean;
  /** Whether nothing more comes. */
  done: boolean;
}

interface Question {
  engine: Engine;
  facts: SiteDefect;
  state: StateDict;
  exhibit: Exhibit;
  trigger: Trigger;
  batch: Batch;
}

/**
 * Clean accuracy and attack success, counted anew whenever something of the question changes; null: nothing was counted yet. Beside them,
 * why they cannot be counted now; empty: they can.
 */
export function useCounted({
  engine,
  facts,
  state,
  exhibit,
  trigger,
  batch,
}: Question): [counted: Counted | null, failure: string] {
  const [found, setFound] = useState<(Omit<Counted, "current"> & { of: readonly unknown[] }) | null>(null);
  const [failed, setFailed] = useState<{ of: readonly unknown[]; reason: string } | null>(null);
  const asked = [engine, facts, state, exhibit, trigger, batch];
  useEffect(() => {
    let wanted = true;
    const goOn = () => wanted;
    const own = facts.own_images;
    const count = async () => {
      await engine.afterPictures();
      const chosen = await exhibit.first(batch === "all" ? exhibit.count : batch, goOn);
      if (!chosen) return;
      // The attack first: it is what silencing is about.
      const asr = await countHits(engine, exhibit, state, chosen, { trigger, facts }, goOn);
      if (!asr) return;
      setFound({ of: asked, asr, ca: null, done: !own });
      const ca = own ? await sumQuality(engine, exhibit, state, chosen, goOn) : null;
      if (ca) setFound({ of: asked, asr, ca, done: true });
    };
    // One picture may have room where a batch has none, so this is told apart from what the networks answer.
    count().catch((error: Error) => wanted && setFailed({ of: asked, reason: error.message }));
    return () => {
      wanted = false;
    };
  }, asked);
  const failure = isOf(failed, asked) ? failed.reason : "";
  if (!found) return [null, failure];
  // What was counted before stands until there is something new.
  const current = isOf(found, asked);
  return [{ asr: found.asr, ca: found.ca, current, done: current && found.done }, failure];
}

import { useEffect, useState } from "preact/hooks";
import { firstOf } from "../../src/images/batch.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import type { ImageTrigger } from "../../src/images/trigger/trigger.ts";
import type { DefectMetrics } from "../../src/records/defect.ts";
import type { SiteDefect } from "../../src/records/site.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import type { Engine } from "./engine.ts";
import { countHits, countRight, type Share } from "./rates.ts";
import type { Batch } from "./view.ts";

interface Props {
  engine: Engine;
  facts: SiteDefect;
  /** The infected model as it is silenced now. */
  state: StateDict;
  silenced: number;
  images: ImageSet;
  trigger: ImageTrigger;
  batch: Batch;
  onBatch(batch: Batch): void;
}

interface Found {
  /** What was asked. */
  of: readonly unknown[];
  asr: Share;
  /** Null where it is not counted yet, or cannot be. */
  ca: Share | null;
  done: boolean;
}

const seconds = ({ milliseconds }: Share) => `${(milliseconds / 1000).toFixed(2)} s`;
const rate = ({ part, of }: Share) => (part / of).toFixed(3);

const RECORDED: [title: string, ca: keyof DefectMetrics, asr: keyof DefectMetrics][] = [
  ["Infected, untouched", "ca", "asr"],
  ["Infected, all infected neurons silenced", "ca_masked", "asr_masked"],
  ["Sham", "ca_sham", "asr_sham"],
  ["Clean twin", "ca_clean", "asr_clean"],
];

/** Clean accuracy and attack success as the model is silenced now, above what the record says. */
export function RatesTable({ engine, facts, state, silenced, images, trigger, batch, onBatch }: Props) {
  const [found, setFound] = useState<Found | null>(null);
  const asked = [engine, facts, state, images, trigger, batch];
  useEffect(() => {
    let wanted = true;
    const goOn = () => wanted;
    const attack = { trigger, target: facts.target, own: facts.own_images };
    const chosen = batch === "all" ? images : firstOf(images, batch);
    const count = async () => {
      // The attack first: it is what silencing is about.
      const asr = await countHits(engine, state, chosen, attack, goOn);
      if (!asr) return;
      setFound({ of: asked, asr, ca: null, done: !attack.own });
      const ca = attack.own ? await countRight(engine, state, chosen, goOn) : null;
      if (ca) setFound({ of: asked, asr, ca, done: true });
    };
    void count();
    return () => {
      wanted = false;
    };
  }, asked);
  // What was counted before stands until there is something new.
  const current = found !== null && asked.every((part, at) => part === found.of[at]);
  const done = current && found.done;
  const share = (counted: Share) => `${(counted.part / counted.of).toFixed(3)} (${counted.part} of ${counted.of})`;
  const recorded = (value: number | null) => (value === null ? "–" : value.toFixed(3));
  return (
    <div class="rates">
      <table aria-busy={!done}>
        <caption>Clean accuracy (CA) and attack success rate (ASR)</caption>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">CA</th>
            <th scope="col">ASR</th>
          </tr>
        </thead>
        <tbody>
          <tr class={current ? "now" : "now stale"}>
            <th scope="row">Computed here: infected, {silenced === 0 ? "nothing" : silenced} silenced</th>
            <td id="now-ca">{found?.ca ? share(found.ca) : found?.done ? "–" : "…"}</td>
            <td id="now-asr">{found ? share(found.asr) : "…"}</td>
          </tr>
          {RECORDED.map(([title, ca, asr]) => (
            <tr key={title}>
              <th scope="row">Record: {title}</th>
              <td>{recorded(facts.metrics[ca])}</td>
              <td>{recorded(facts.metrics[asr])}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="row">
        <label>
          Over{" "}
          <select
            value={String(batch)}
            onChange={(event) => onBatch(event.currentTarget.value === "all" ? "all" : 256)}
          >
            <option value="256">the first 256 pictures</option>
            <option value="all">all {images.count} pictures</option>
          </select>
        </label>
        <span
          class="quiet"
          id="took"
          data-asr-milliseconds={done ? found.asr.milliseconds : undefined}
          data-milliseconds={done ? found.asr.milliseconds + (found.ca?.milliseconds ?? 0) : undefined}
        >
          {done ? `ASR in ${seconds(found.asr)}${found.ca ? `, CA in ${seconds(found.ca)} more` : ""}` : "computing…"}
        </span>
      </div>
      <p class="quiet" role="status">
        {done ? `${silenced} neurons silenced: ASR ${rate(found.asr)}${found.ca ? `, CA ${rate(found.ca)}` : ""}.` : ""}
      </p>
      {!facts.own_images && (
        <p class="quiet">
          The test images of {facts.dataset} may not be passed on. These are drawn signs, which the network never saw:
          it has no accuracy on them, and its ASR here is not the record's.
        </p>
      )}
    </div>
  );
}

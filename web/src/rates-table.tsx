import { useEffect, useState } from "preact/hooks";
import type { DefectMetrics } from "../../src/records/defect.ts";
import type { SiteDefect } from "../../src/records/site.ts";
import type { Trigger } from "../../src/tasks/backdoor.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import type { Engine } from "./engine.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";
import { countHits, type Share, sumQuality } from "./rates.ts";
import type { Batch } from "./view.ts";

interface Props {
  engine: Engine;
  facts: SiteDefect;
  /** The infected model as it is silenced now. */
  state: StateDict;
  silenced: number;
  exhibit: Exhibit;
  trigger: Trigger;
  /** What the trigger is, where it is not the real one. */
  stamped: string | null;
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
export function RatesTable({ engine, facts, state, silenced, exhibit, trigger, stamped, batch, onBatch }: Props) {
  const [found, setFound] = useState<Found | null>(null);
  const { words } = exhibit;
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
    void count();
    return () => {
      wanted = false;
    };
  }, asked);
  // What was counted before stands until there is something new.
  const current = found !== null && asked.every((part, at) => part === found.of[at]);
  const done = current && found.done;
  const share = (counted: Share) => `${(counted.part / counted.of).toFixed(3)} (${counted.part} of ${counted.of})`;
  const quality = (found: Share) => (words.isShare ? share(found) : `${rate(found)} (mean of ${found.of})`);
  const recorded = (value: number | null) => (value === null ? "–" : value.toFixed(3));
  return (
    <div class="rates">
      <table aria-busy={!done}>
        <caption>{words.caption}</caption>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">{words.quality}</th>
            <th scope="col">ASR</th>
          </tr>
        </thead>
        <tbody>
          <tr class={current ? "now" : "now stale"}>
            <th scope="row">
              Computed here: infected, {silenced === 0 ? "nothing" : silenced} silenced
              {stamped !== null && `, stamped: ${stamped}`}
            </th>
            <td id="now-ca">{found?.ca ? quality(found.ca) : found?.done ? "–" : "…"}</td>
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
            onChange={({ currentTarget: { selectedIndex } }) => onBatch(exhibit.batches[selectedIndex])}
          >
            {exhibit.batches.map((size) => (
              <option key={size} value={String(size)}>
                {size === "all" ? `all ${exhibit.count} ${words.samples}` : `the first ${size} ${words.samples}`}
              </option>
            ))}
          </select>
        </label>
        <span
          class="quiet"
          id="took"
          data-asr-milliseconds={done ? found.asr.milliseconds : undefined}
          data-milliseconds={done ? found.asr.milliseconds + (found.ca?.milliseconds ?? 0) : undefined}
        >
          {done
            ? `ASR in ${seconds(found.asr)}${found.ca ? `, ${words.quality} in ${seconds(found.ca)} more` : ""}`
            : "computing…"}
        </span>
      </div>
      <p class="quiet" role="status">
        {done
          ? `${silenced} neurons silenced: ASR ${rate(found.asr)}${found.ca ? `, ${words.quality} ${rate(found.ca)}` : ""}.`
          : ""}
      </p>
      {!facts.own_images && <p class="quiet">{exhibit.apart(facts)}</p>}
    </div>
  );
}

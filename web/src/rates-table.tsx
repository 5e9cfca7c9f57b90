import type { DefectMetrics } from "../../src/records/defect.ts";
import type { SiteDefect } from "../../src/records/site.ts";
import type { Counted } from "./counted.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";
import { rateText, type Share } from "./share.ts";
import type { Batch } from "./view.ts";

interface Props {
  facts: SiteDefect;
  /** Of the infected model as it is silenced now. */
  counted: Counted | null;
  /** Why it cannot be counted; empty: it can. */
  failure: string;
  silenced: number;
  exhibit: Exhibit;
  /** What the trigger is, where it is not the real one. */
  stamped: string | null;
  batch: Batch;
  onBatch(batch: Batch): void;
}

const seconds = ({ milliseconds }: Share) => `${(milliseconds / 1000).toFixed(2)} s`;

const RECORDED: [title: string, ca: keyof DefectMetrics, asr: keyof DefectMetrics][] = [
  ["infected, untouched", "ca", "asr"],
  ["infected, all infected neurons silenced", "ca_masked", "asr_masked"],
  ["sham", "ca_sham", "asr_sham"],
  ["clean twin", "ca_clean", "asr_clean"],
];

/** Clean accuracy and attack success as the model is silenced now, above what the record says. */
export function RatesTable(props: Props) {
  const { facts, counted: found, failure, silenced, exhibit, stamped, batch, onBatch } = props;
  const { words } = exhibit;
  const done = found?.done ?? false;
  const share = (counted: Share) => `${rateText(counted)} (${counted.part} of ${counted.of})`;
  const quality = (found: Share) => (words.isShare ? share(found) : `${rateText(found)} (mean of ${found.of})`);
  const recorded = (value: number | null) => (value === null ? "–" : value.toFixed(3));
  return (
    <div class="rates">
      <table aria-busy={!done && failure === ""}>
        <caption>{words.caption}, computed here and as the record states them</caption>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">{words.quality}</th>
            <th scope="col">ASR</th>
          </tr>
        </thead>
        <tbody>
          <tr class={found?.current ? "now" : "now stale"}>
            <th scope="row">
              Here: infected, {silenced === 0 ? "nothing" : silenced} silenced
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
      <p class="quiet">
        ASR: of the {words.samples} on which success shows, with the trigger, the share on which the attack succeeds.
      </p>
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
          data-asr-milliseconds={found?.done ? found.asr.milliseconds : undefined}
          data-milliseconds={found?.done ? found.asr.milliseconds + (found.ca?.milliseconds ?? 0) : undefined}
        >
          {found?.done
            ? `ASR in ${seconds(found.asr)}${found.ca ? `, ${words.quality} in ${seconds(found.ca)} more` : ""}`
            : failure === "" && "computing…"}
        </span>
      </div>
      <p role="alert" class="refusal">
        {failure && `These rates cannot be counted here: ${failure}`}
      </p>
    </div>
  );
}

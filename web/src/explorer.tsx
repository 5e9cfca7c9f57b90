import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { countNeurons } from "../../src/core/neurons.ts";
import type { Samples } from "../../src/core/samples.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { useCounted } from "./counted.ts";
import { Engine } from "./engine.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";
import type { LoadedDefect } from "./files.ts";
import { focusNeuron, NetworkRows } from "./network.tsx";
import { NeuronPage } from "./neuron.tsx";
import {
  absentOf,
  criteriaOf,
  networkOf,
  neuronIndex,
  neuronNamed,
  silencedOf,
  suspiciousOf,
  toggled,
} from "./neurons.ts";
import { Predictions, type Shown } from "./predictions.tsx";
import { RatesTable } from "./rates-table.tsx";
import { Silencing } from "./silencing.tsx";
import { Standing } from "./standing.tsx";
import type { Stamp, View } from "./view.ts";

interface Props {
  defect: LoadedDefect;
  exhibit: Exhibit;
  view: View;
  /** What the address says and cannot be read; null: the view is no link's. */
  unread: readonly string[] | null;
  change(changed: Partial<View>): void;
}

/** One defect: its versions side by side, its neurons, and what silencing them does. */
export function Explorer({ defect, exhibit, view, unread, change }: Props) {
  const { facts } = defect;
  const { Chooser, usualBatch, words } = exhibit;
  const [brought, setBrought] = useState<{ sample: Samples; at: View["image"] } | null>(null);
  // Whoever follows a link to another sample looks at that one.
  const own = brought?.at === view.image ? brought.sample : null;
  const [made, setMade] = useState(() => exhibit.made.empty());
  const engine = useMemo(() => new Engine(networkOf(facts), exhibit.reader(facts)), [exhibit, facts]);
  useEffect(() => () => void engine.release(), [engine]);
  const index = useMemo(() => neuronIndex(facts), [facts]);
  const criteria = criteriaOf(facts);
  const criterion = criteria.includes(view.criterion ?? "") ? view.criterion : (criteria[0] ?? null);
  const start = useMemo(() => exhibit.start(facts), [exhibit, facts]);
  const image = Math.min(view.image ?? start, exhibit.count - 1);

  const controls = useMemo(() => exhibit.controls(defect.trigger), [exhibit, defect]);
  const stamps: [Stamp, string][] = [
    ["none", "Nothing"],
    ["trigger", "The real trigger"],
    ...controls.map(({ stamp, title }): [Stamp, string] => [stamp, title]),
    [exhibit.made.stamp, exhibit.made.title],
  ];
  const [stamp, stampTitle] = stamps.find(([name]) => name === view.stamp) ?? stamps[0];
  const control = controls.find((one) => one.stamp === stamp);
  const trigger = stamp === exhibit.made.stamp ? made : (control?.trigger ?? defect.trigger);
  const plain = useMemo(() => own ?? exhibit.one(image), [own, exhibit, image]);
  const looks = useMemo(() => exhibit.looks(trigger, plain), [exhibit, trigger, plain]);
  const isOwn = own !== null;
  const usual = useMemo(() => exhibit.lookOf(image, isOwn, looks, facts), [exhibit, image, isOwn, looks, facts]);
  const look = view.look !== null && view.look < looks ? view.look : usual;
  const sample = useMemo(
    () => (stamp === "none" ? plain : exhibit.stampOne(trigger, plain, look)),
    [exhibit, plain, trigger, look, stamp],
  );
  const eligible = useMemo(() => exhibit.eligible(plain, facts).length > 0, [exhibit, plain, facts]);
  // Of a link alone: what was chosen here, and another defect lacks, is nobody's fault.
  const absent = unread && [
    ...unread,
    ...(view.image !== null && view.image >= exhibit.count ? [`${words.sample} ${view.image}`] : []),
    ...(stamp === view.stamp ? [] : [`stamp ${view.stamp}`]),
    ...(view.look !== null && view.look >= looks && looks > 1 ? [`look ${view.look}`] : []),
    ...(view.batch === null || exhibit.batches.includes(view.batch) ? [] : [`batch ${view.batch}`]),
    ...absentOf(facts, view),
  ];

  const silenced = useMemo(() => silencedOf(facts, view.silence, criterion), [facts, view.silence, criterion]);
  const suspicious = useMemo(() => suspiciousOf(facts, criterion), [facts, criterion]);
  const state = useMemo(() => maskNeurons(engine.network, defect.infected, silenced), [engine, defect, silenced]);
  const count = countNeurons(silenced);
  const batch = view.batch !== null && exhibit.batches.includes(view.batch) ? view.batch : usualBatch;
  const [counted, uncounted] = useCounted({ engine, facts, state, exhibit, trigger, batch });
  const versions = useMemo(() => {
    const about =
      count > 0 ? `the backdoor, ${count === 1 ? "1 neuron" : `${count} neurons`} silenced` : "carries the backdoor";
    const all: Shown[] = [{ title: "Infected", about, state }];
    if (defect.sham) all.push({ title: "Sham", about: "same neurons tuned, no backdoor", state: defect.sham });
    all.push({ title: "Clean twin", about: "before the injection", state: defect.clean });
    return all;
  }, [defect, state, count]);

  const onToggle = useCallback(
    (layer: string, neuron: number) =>
      change({ silence: toggled(silenced, layer, neuron), neuron: `${layer}:${neuron}` }),
    [change, silenced],
  );
  const shown = neuronNamed(view.neuron, index.layers);
  return (
    <>
      <p role="status" class="card refusal">
        {absent &&
          absent.length > 0 &&
          `The link names what is not here, and is shown without it: ${absent.join("; ")}.`}
      </p>
      <div class="two">
        <Chooser
          {...{ facts, image, stamps, stamp, trigger, made, looks, look, eligible, plain }}
          own={isOwn}
          real={defect.trigger}
          stamped={sample}
          ask={(samples) => engine.logits(defect.clean, samples)}
          onImage={(chosen) => {
            setBrought(null);
            change({ image: chosen });
          }}
          onOwn={(made) => setBrought({ sample: made, at: view.image })}
          onStamp={(chosen) => change({ stamp: chosen })}
          onLook={(chosen) => change({ look: chosen })}
          onMade={setMade}
        />
        <div>
          <Predictions {...{ engine, versions, facts, exhibit, sample, eligible }} own={isOwn} />
          <section aria-labelledby="silence-title" class="card">
            <h2 id="silence-title">3. Silence neurons of the infected network</h2>
            <Silencing
              {...{ criteria, criterion }}
              infected={countNeurons(facts.infected)}
              silence={view.silence}
              silenced={count}
              onSilence={(chosen) => change({ silence: chosen })}
              onCriterion={(chosen) => change({ criterion: chosen })}
            />
            <RatesTable
              {...{ facts, counted, exhibit, batch }}
              failure={uncounted}
              stamped={control || stamp === exhibit.made.stamp ? stampTitle.toLowerCase() : null}
              silenced={count}
              onBatch={(chosen) => change({ batch: chosen === usualBatch ? null : chosen })}
            />
          </section>
        </div>
      </div>
      <section aria-labelledby="network-title" class="card">
        <h2 id="network-title">4. Or choose them one by one</h2>
        <ul class="legend">
          <li>
            <span class="neuron" /> neuron
          </li>
          <li>
            <span class="neuron infected" /> infected
          </li>
          <li>
            <span class="neuron infected effective" /> infected and effective
          </li>
          {criterion && (
            <li>
              <span class="neuron suspicious" /> suspicious to {criterion}
            </li>
          )}
          <li>
            <span class="neuron" data-silenced="" /> silenced
          </li>
          <li>
            <span class="neuron infected effective" data-silenced="" /> silenced, infected and effective
          </li>
        </ul>
        <p class="quiet">
          The backdoor was put into the infected neurons. Without an effective one it is weaker.
          {criterion && ` Suspicious are the ${countNeurons(facts.infected)} that ${criterion} ranks highest.`} A click
          silences or wakes a neuron and describes it below. Arrow keys go from neuron to neuron.
        </p>
        <Standing
          {...{ counted }}
          failed={uncounted !== ""}
          silenced={count}
          quality={words.quality}
          neuron={shown?.name ?? null}
        />
        <NetworkRows
          layers={index.layers}
          infected={facts.infected}
          effective={facts.effective ?? NOTHING}
          suspicious={suspicious}
          silenced={silenced}
          shown={shown?.name ?? null}
          onNeuron={onToggle}
        />
      </section>
      {shown && (
        <NeuronPage
          key={shown.name}
          {...{ engine, defect, exhibit, trigger }}
          layer={shown.layer}
          neuron={shown.index}
          silenced={silenced[shown.layer]?.includes(shown.index) ?? false}
          onToggle={() => onToggle(shown.layer, shown.index)}
          onClose={() => {
            change({ neuron: null });
            // The button goes away, and would take the focus with it.
            focusNeuron(shown.name);
          }}
        />
      )}
    </>
  );
}

const NOTHING = {};

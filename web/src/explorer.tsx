import { useCallback, useMemo, useState } from "preact/hooks";
import { countNeurons } from "../../src/core/neurons.ts";
import type { ImageSet, Normalization } from "../../src/images/image-set.ts";
import { stampImage } from "../../src/images/trigger/stamp.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { Engine } from "./engine.ts";
import type { LoadedDefect } from "./files.ts";
import { NetworkRows } from "./network.tsx";
import { NeuronPage } from "./neuron.tsx";
import { criteriaOf, networkOf, neuronIndex, silencedOf, suspiciousOf, toggled } from "./neurons.ts";
import { emptyTrigger } from "./paint.tsx";
import { Picture } from "./picture.tsx";
import { pixelsAt } from "./pixels.tsx";
import { Predictions, type Shown } from "./predictions.tsx";
import { RatesTable } from "./rates-table.tsx";
import type { Silence, View } from "./view.ts";

interface Props {
  defect: LoadedDefect;
  images: ImageSet;
  /** Names of the pictures' classes. */
  imageClasses: readonly string[];
  view: View;
  change(changed: Partial<View>): void;
}

/** One defect: its versions side by side, its neurons, and what silencing them does. */
export function Explorer({ defect, images, imageClasses, view, change }: Props) {
  const { facts } = defect;
  const [own, setOwn] = useState<Uint8Array | null>(null);
  const [painted, setPainted] = useState(() => emptyTrigger(images.width));
  const engine = useMemo(() => new Engine(networkOf(facts), facts as unknown as Normalization), [facts]);
  const index = useMemo(() => neuronIndex(facts), [facts]);
  const criteria = criteriaOf(facts);
  const criterion = criteria.includes(view.criterion ?? "") ? view.criterion : (criteria[0] ?? null);
  const elsewhere = images.labels.findIndex((label) => !facts.own_images || label !== facts.target);
  const image = Math.min(view.image ?? Math.max(elsewhere, 0), images.count - 1);

  const trigger = view.stamp === "paint" ? painted : defect.trigger;
  const plain = own ?? pixelsAt(images, image);
  const stamped = useMemo(() => {
    const pixels = plain.slice();
    if (view.stamp !== "none") stampImage(trigger, pixels);
    return pixels;
  }, [own, image, images, trigger, view.stamp]);

  const silenced = useMemo(() => silencedOf(facts, view.silence, criterion), [facts, view.silence, criterion]);
  const suspicious = useMemo(() => suspiciousOf(facts, criterion), [facts, criterion]);
  const state = useMemo(() => maskNeurons(engine.network, defect.infected, silenced), [engine, defect, silenced]);
  const count = countNeurons(silenced);
  const versions = useMemo(() => {
    const about = count > 0 ? `the backdoor, ${count} neurons silenced` : "carries the backdoor";
    const shown: Shown[] = [{ title: "Infected", about, state }];
    if (defect.sham) shown.push({ title: "Sham", about: "same neurons tuned, no backdoor", state: defect.sham });
    shown.push({ title: "Clean twin", about: "before the injection", state: defect.clean });
    return shown;
  }, [defect, state, count]);

  const onToggle = useCallback(
    (layer: string, neuron: number) =>
      change({ silence: toggled(silenced, layer, neuron), neuron: `${layer}:${neuron}` }),
    [change, silenced],
  );
  const [shownLayer, shownNeuron] = neuronOf(view.neuron, index.layers);
  const k = countNeurons(facts.infected);
  const rules: [Silence, string][] = [
    ["none", "None"],
    ["infected", `All ${k} infected`],
    ["random", `${k} others at random`],
    ...(criterion ? [["top", `Top ${k} of ${criterion}`] as [Silence, string]] : []),
  ];
  return (
    <>
      <div class="two">
        <Picture
          {...{ images, image, own, painted, plain, stamped }}
          classes={imageClasses}
          stamp={view.stamp}
          onImage={(chosen) => {
            setOwn(null);
            change({ image: chosen });
          }}
          onOwn={setOwn}
          onStamp={(stamp) => change({ stamp })}
          onPaint={setPainted}
        />
        <Predictions
          {...{ engine, versions }}
          pixels={stamped}
          side={images.width}
          classes={facts.classes}
          target={facts.target}
          isTarget={!own && facts.own_images && images.labels[image] === facts.target}
        />
      </div>
      <section aria-labelledby="network-title" class="card">
        <h2 id="network-title">3. The infected network: silence neurons</h2>
        <fieldset class="row" aria-label="Neurons to silence">
          <span>Silence</span>
          {rules.map(([rule, title]) => (
            <button
              key={title}
              type="button"
              aria-pressed={rule === "none" ? count === 0 : view.silence === rule}
              onClick={() => change({ silence: rule })}
            >
              {title}
            </button>
          ))}
          {criteria.length > 0 && (
            <label>
              Criterion{" "}
              <select value={criterion ?? ""} onChange={(event) => change({ criterion: event.currentTarget.value })}>
                {criteria.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
          )}
        </fieldset>
        <RatesTable
          {...{ engine, facts, state, images, trigger }}
          silenced={count}
          batch={view.batch}
          onBatch={(batch) => change({ batch })}
        />
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
        </ul>
        <p class="quiet">A click silences or wakes a neuron and shows it below. Arrow keys go from neuron to neuron.</p>
        <NetworkRows
          layers={index.layers}
          infected={facts.infected}
          effective={facts.effective ?? NOTHING}
          suspicious={suspicious}
          silenced={silenced}
          shown={view.neuron}
          onNeuron={onToggle}
        />
      </section>
      {shownLayer !== null && (
        <NeuronPage
          key={view.neuron}
          {...{ engine, defect, images, trigger }}
          layer={shownLayer}
          neuron={shownNeuron}
          silenced={silenced[shownLayer]?.includes(shownNeuron) ?? false}
          onToggle={() => onToggle(shownLayer, shownNeuron)}
          onClose={() => change({ neuron: null })}
        />
      )}
    </>
  );
}

const NOTHING = {};

/** A neuron that the network has; its layer is null where it has none of that name. */
function neuronOf(name: string | null, layers: readonly { name: string; width: number }[]): [string | null, number] {
  const found = /^(.+):(\d+)$/.exec(name ?? "");
  const layer = layers.find((one) => one.name === found?.[1]);
  return layer && Number(found![2]) < layer.width ? [layer.name, Number(found![2])] : [null, -1];
}

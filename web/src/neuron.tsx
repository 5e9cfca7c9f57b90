import { useEffect, useState } from "preact/hooks";
import { unitsOf } from "../../src/graph/network.ts";
import { type Share, sliceOf } from "../../src/graph/units.ts";
import type { Images } from "../../src/images/image-set.ts";
import type { ImageTrigger } from "../../src/images/trigger/trigger.ts";
import { readSlice } from "../../src/tensor/slices.ts";
import type { Engine } from "./engine.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";
import type { LoadedDefect } from "./files.ts";
import { neuronIndex, rankOf } from "./neurons.ts";
import { Pixels, pixelsAt } from "./pixels.tsx";

/** Images that are looked through for the most activating ones, and how many of them are shown. */
const LOOKED_AT = 128;
const SHOWN = 6;

interface Props {
  engine: Engine;
  defect: LoadedDefect;
  layer: string;
  neuron: number;
  silenced: boolean;
  exhibit: Exhibit;
  trigger: ImageTrigger;
  onToggle(): void;
  onClose(): void;
}

/** What is known of one neuron: whether it is infected, what it owns, what criteria say, which pictures excite it. */
export function NeuronPage(props: Props) {
  const { defect, layer, neuron, silenced } = props;
  const { facts } = defect;
  const at = facts.infected[layer]?.indexOf(neuron) ?? -1;
  const effective = facts.effective?.[layer]?.includes(neuron) ?? false;
  const index = neuronIndex(facts);
  const number = (value: number | undefined) => (value === undefined ? "–" : value.toPrecision(3));
  return (
    <section aria-labelledby="neuron-title" class="card neuron-page">
      <div class="row spread">
        <h2 id="neuron-title">
          Neuron{" "}
          <code>
            {layer}:{neuron}
          </code>
        </h2>
        <span class="row">
          <button type="button" aria-pressed={silenced} onClick={props.onToggle}>
            {silenced ? "Wake it" : "Silence it"}
          </button>
          <button type="button" onClick={props.onClose}>
            Close
          </button>
        </span>
      </div>
      <p>
        {at < 0
          ? "Not infected: its weights are the clean twin's."
          : `Infected${effective ? " and effective" : ", but not effective"}: its contribution to the backdoor is ${number(facts.contribution[layer]?.[at])}, its effect alone ${number(facts.effect[layer]?.[at])} (effective above ${number(facts.effect_threshold)}).`}
      </p>
      <div class="neuron-columns">
        <Owned {...props} />
        <table>
          <caption>Scores of the infected model</caption>
          <thead>
            <tr>
              <th scope="col">Criterion</th>
              <th scope="col">Score</th>
              <th scope="col">Rank of {index.size}</th>
              <th scope="col">Named</th>
            </tr>
          </thead>
          <tbody>
            {facts.scores.map(({ criterion, scores, native }) => (
              <tr key={criterion}>
                <th scope="row">{criterion}</th>
                <td>{number(scores[layer]?.[neuron])}</td>
                <td>{rankOf(index, scores, layer, neuron)}</td>
                <td>{native.includes(`${layer}:${neuron}`) ? "yes" : "no"}</td>
              </tr>
            ))}
            {facts.scores.length === 0 && (
              <tr>
                <td colSpan={4}>No criterion was run on this database.</td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
      <Exciting {...props} />
    </section>
  );
}

const ROLES: Record<Share["role"], string> = {
  weight: "weights it reads with",
  up: "weights of what passes its gate",
  bias: "bias",
  gain: "gain γ",
  shift: "shift β",
  outgoing: "weights it is read with",
  mean: "mean μ",
  variance: "variance σ²",
};

function Owned({ engine, defect, layer, neuron }: Props) {
  const unit = unitsOf(engine.network).find(({ id }) => id === layer)!;
  return (
    <table>
      <caption>What it owns</caption>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Values</th>
          <th scope="col">Size</th>
          <th scope="col">Distance from the twin</th>
        </tr>
      </thead>
      <tbody>
        {unit.owned.map((share) => {
          const slice = sliceOf(share, neuron);
          const [mine, twin] = [readSlice(defect.infected, slice), readSlice(defect.clean, slice)];
          return (
            <tr key={share.key}>
              <th scope="row">
                {ROLES[share.role]}
                <br />
                <code class="quiet">{share.key}</code>
              </th>
              <td>{mine.length}</td>
              <td>{norm(mine).toPrecision(3)}</td>
              <td>{norm(mine.map((value, i) => value - twin[i])).toPrecision(3)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function norm(values: ArrayLike<number>): number {
  return Math.hypot(...Array.from(values));
}

interface Excited {
  title: string;
  images: Images;
  means: Float32Array;
}

function Exciting({ engine, defect, layer, neuron, exhibit, trigger }: Props) {
  const { sample, samples } = exhibit.words;
  const [found, setFound] = useState<Excited[] | null>(null);
  useEffect(() => {
    let wanted = true;
    setFound(null);
    const look = async () => {
      await engine.afterPictures();
      const clean = await exhibit.first(Math.min(LOOKED_AT, exhibit.batches[0] as number), () => wanted);
      if (!clean) return;
      const sets: Excited[] = [];
      for (const [title, set] of [
        [`Clean ${samples} that excite it most`, clean],
        [`Triggered ${samples} that excite it most`, exhibit.stamp(trigger, clean)],
      ] as const) {
        const means = await engine.activations(defect.infected, set, layer, neuron, () => wanted);
        if (!means) return;
        sets.push({ title, images: set, means });
      }
      setFound(sets);
    };
    void look();
    return () => {
      wanted = false;
    };
  }, [engine, defect, layer, neuron, exhibit, trigger]);
  if (!found) return <p class="quiet">Looking for {samples} that excite it…</p>;
  return (
    <div class="neuron-columns">
      {found.map(({ title, images: set, means }) => (
        <div key={title}>
          <h3>{title}</h3>
          <div class="excited">
            {[...means.keys()]
              .sort((a, b) => means[b] - means[a])
              .slice(0, SHOWN)
              .map((i) => (
                <figure key={i}>
                  <Pixels
                    pixels={pixelsAt(set, i)}
                    height={set.height}
                    width={set.width}
                    shape={exhibit.shape}
                    label={`${sample} ${i}`}
                  />
                  <figcaption>{means[i].toPrecision(3)}</figcaption>
                </figure>
              ))}
          </div>
        </div>
      ))}
    </div>
  );
}

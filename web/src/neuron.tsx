import { useEffect, useMemo, useState } from "preact/hooks";
import type { Samples } from "../../src/core/samples.ts";
import { unitsOf } from "../../src/graph/network.ts";
import { type Share, sliceOf } from "../../src/graph/units.ts";
import type { Trigger } from "../../src/tasks/backdoor.ts";
import { readSlice } from "../../src/tensor/slices.ts";
import type { Activations, Engine } from "./engine.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";
import type { LoadedDefect } from "./files.ts";
import { neuronIndex, rankOf } from "./neurons.ts";

/** Samples that are looked through for the most activating ones, and how many of them are shown. */
const LOOKED_AT = 128;
const SHOWN = 6;

interface Props {
  engine: Engine;
  defect: LoadedDefect;
  layer: string;
  neuron: number;
  silenced: boolean;
  exhibit: Exhibit;
  trigger: Trigger;
  onToggle(): void;
  onClose(): void;
}

/** What is known of one neuron: whether it is infected, what it owns, what criteria say, which samples excite it. */
export function NeuronPage(props: Props) {
  const { defect, layer, neuron, silenced } = props;
  const { facts } = defect;
  const at = facts.infected[layer]?.indexOf(neuron) ?? -1;
  const effective = facts.effective?.[layer]?.includes(neuron) ?? false;
  const index = neuronIndex(facts);
  const owned = useMemo(() => ownedBy(props), [props.engine, defect, layer, neuron]);
  const number = (value: number | undefined) => (value === undefined ? "–" : value.toPrecision(3));
  return (
    <section aria-labelledby="neuron-title" class="card neuron-page">
      <div class="row spread">
        <h2 id="neuron-title" tabIndex={-1}>
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
          ? owned.every(({ distance }) => distance === 0)
            ? "Not infected: its weights are the clean twin's."
            : "Not infected: the backdoor was put into others. The attack, or its style, changed this one as well."
          : `Infected${effective ? " and effective" : ", but not effective"}: its contribution to the backdoor is ${number(facts.contribution[layer]?.[at])}, its effect alone ${number(facts.effect[layer]?.[at])} (effective above ${number(facts.effect_threshold)}).`}
      </p>
      <div class="neuron-columns">
        <OwnedTable owned={owned} />
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
      <MostExciting {...props} />
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

/** A part of what a neuron owns. */
interface Owned {
  share: Share;
  /** How many numbers it is. */
  values: number;
  /** Their L2 norm, and that of their differences from the clean twin's. */
  size: number;
  distance: number;
}

function ownedBy({ engine, defect, layer, neuron }: Props): Owned[] {
  const unit = unitsOf(engine.network).find(({ id }) => id === layer)!;
  return unit.owned.map((share) => {
    const slice = sliceOf(share, neuron);
    const [mine, twin] = [readSlice(defect.infected, slice), readSlice(defect.clean, slice)];
    const distance = norm(mine.map((value, i) => value - twin[i]));
    return { share, values: mine.length, size: norm(mine), distance };
  });
}

function OwnedTable({ owned }: { owned: readonly Owned[] }) {
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
        {owned.map(({ share, values, size, distance }) => (
          <tr key={share.key}>
            <th scope="row">
              {ROLES[share.role]}
              <br />
              <code class="quiet">{share.key}</code>
            </th>
            <td>{values}</td>
            <td>{size.toPrecision(3)}</td>
            <td>{distance.toPrecision(3)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function norm(values: ArrayLike<number>): number {
  return Math.hypot(...Array.from(values));
}

interface Exciting extends Activations {
  title: string;
  set: Samples;
  trigger: Trigger | null;
}

function MostExciting({ engine, defect, layer, neuron, exhibit, trigger }: Props) {
  const { samples } = exhibit.words;
  const { Excited } = exhibit;
  const [found, setFound] = useState<Exciting[] | null>(null);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    let wanted = true;
    setFound(null);
    setFailure("");
    const look = async () => {
      await engine.afterPictures();
      const clean = await exhibit.first(Math.min(LOOKED_AT, exhibit.usualBatch), () => wanted);
      if (!clean) return;
      const sets: Exciting[] = [];
      for (const [title, set, stamped] of [
        [`Clean ${samples} that excite it most`, clean, null],
        [`Triggered ${samples} that excite it most`, exhibit.stamp(trigger, clean), trigger],
      ] as const) {
        const activations = await engine.activations(defect.infected, set, layer, neuron, () => wanted);
        if (!activations) return;
        sets.push({ title, set, trigger: stamped, ...activations });
      }
      setFound(sets);
    };
    look().catch((error: Error) => wanted && setFailure(error.message));
    return () => {
      wanted = false;
    };
  }, [engine, defect, layer, neuron, exhibit, trigger]);
  if (failure)
    return (
      <p role="alert" class="refusal">
        What excites it cannot be computed here: {failure}
      </p>
    );
  if (!found) return <p class="quiet">Looking for {samples} that excite it…</p>;
  return (
    <div class="neuron-columns">
      {found.map(({ title, set, trigger, values, places }) => (
        <div key={title}>
          <h3>{title}</h3>
          <div class="excited">
            {[...values.keys()]
              .sort((a, b) => values[b] - values[a])
              .slice(0, SHOWN)
              .map((i) => (
                <figure key={i}>
                  <Excited {...{ set, i, trigger }} at={places?.[i] ?? null} />
                  <figcaption>{values[i].toPrecision(3)}</figcaption>
                </figure>
              ))}
          </div>
        </div>
      ))}
    </div>
  );
}

import { useMemo } from "preact/hooks";
import type { Trigger } from "../../src/tasks/backdoor.ts";
import type { Engine } from "./engine.ts";
import { MostExciting } from "./exciting.tsx";
import type { Exhibit } from "./exhibits/exhibit.ts";
import type { LoadedDefect } from "./files.ts";
import { neuronIndex, rankOf } from "./neurons.ts";
import { OwnedTable, ownedBy } from "./owned.tsx";

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
  const { engine, defect, layer, neuron, silenced } = props;
  const { facts } = defect;
  const at = facts.infected[layer]?.indexOf(neuron) ?? -1;
  const effective = facts.effective?.[layer]?.includes(neuron) ?? false;
  const index = neuronIndex(facts);
  const owned = useMemo(() => ownedBy(engine.network, defect, layer, neuron), [engine, defect, layer, neuron]);
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
          <button type="button" onClick={props.onToggle}>
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

import { useEffect, useState } from "preact/hooks";
import type { Samples } from "../../src/core/samples.ts";
import type { Trigger } from "../../src/tasks/backdoor.ts";
import type { Activations, Engine } from "./engine.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";
import type { LoadedDefect } from "./files.ts";

/** Samples that are looked through for the most activating ones, and how many of them are shown. */
const LOOKED_AT = 128;
const SHOWN = 6;

interface Props {
  engine: Engine;
  defect: LoadedDefect;
  layer: string;
  neuron: number;
  exhibit: Exhibit;
  trigger: Trigger;
}

/** Samples with what the neuron does on each. */
interface Exciting extends Activations {
  title: string;
  set: Samples;
  trigger: Trigger | null;
}

/** The samples that excite a neuron of the infected model most, without and with the trigger. */
export function MostExciting({ engine, defect, layer, neuron, exhibit, trigger }: Props) {
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

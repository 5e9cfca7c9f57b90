import { useEffect, useState } from "preact/hooks";
import type { Samples } from "../../src/core/samples.ts";
import type { SiteDefect } from "../../src/records/site.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import type { Engine } from "./engine.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";

/** A version of a defect as the page names it. */
export interface Shown {
  title: string;
  /** What it is, in a few words. */
  about: string;
  state: StateDict;
}

interface Props {
  engine: Engine;
  versions: readonly Shown[];
  facts: SiteDefect;
  exhibit: Exhibit;
  /** One sample as it is shown to all. */
  sample: Samples;
  /** Whether the attack's success shows on it: a picture of the target class goes there anyway. */
  eligible: boolean;
  /** Whether it is the user's. */
  own: boolean;
}

interface Answers {
  /** What was asked. */
  of: readonly unknown[];
  sample: Samples;
  /** Of every version. */
  outputs: Float32Array[];
  milliseconds: number;
}

/** What every version answers to one picture. */
export function Predictions({ engine, versions, facts, exhibit, sample, eligible, own }: Props) {
  const { Answer, Legend } = exhibit;
  const [answers, setAnswers] = useState<Answers | null>(null);
  const [failure, setFailure] = useState("");
  const asked = [engine, versions, sample];
  useEffect(() => {
    let wanted = true;
    const begin = performance.now();
    const ask = async () => {
      const outputs: Float32Array[] = [];
      for (const { state } of versions) {
        const logits = await engine.logits(state, sample, () => wanted);
        if (!logits) return;
        outputs.push(logits);
      }
      if (wanted) setAnswers({ of: asked, sample, outputs, milliseconds: performance.now() - begin });
    };
    ask().catch((error: Error) => wanted && setFailure(`No network can be run here: ${error.message}`));
    return () => {
      wanted = false;
    };
  }, asked);
  // What was answered to the picture before stands until the new answers come.
  const current = answers !== null && asked.every((part, at) => part === answers.of[at]);
  return (
    <section aria-labelledby="answers-title" class="card" aria-live="polite">
      <h2 id="answers-title">2. What three networks say</h2>
      <div class="answers">
        {versions.map(({ title, about }, at) => (
          <Answer
            key={title}
            {...{ title, about, facts, eligible }}
            sample={answers?.sample}
            output={answers?.outputs[at]}
          />
        ))}
      </div>
      {Legend && <Legend own={own} />}
      {!facts.own_images && <p class="quiet">{exhibit.apart(facts)}</p>}
      <p role="alert" class="refusal">
        {failure}
      </p>
      <p class="quiet" id="answered" data-milliseconds={current ? answers.milliseconds : undefined}>
        {current ? `Computed in this page in ${answers.milliseconds.toFixed(0)} ms.` : "Computing…"}
      </p>
    </section>
  );
}

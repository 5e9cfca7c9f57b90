import { useEffect, useState } from "preact/hooks";
import type { Samples } from "../../src/core/samples.ts";
import type { SiteDefect } from "../../src/records/site.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import type { Engine } from "./engine.ts";
import type { Exhibit } from "./exhibits/exhibit.ts";
import { isOf } from "./hooks.ts";

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

/** Answers, with what they are answers to. */
interface Answers {
  /** What was asked. */
  of: readonly unknown[];
  sample: Samples;
  eligible: boolean;
  /** Of every version. */
  outputs: Float32Array[];
  milliseconds: number;
}

/** What every version answers to one picture. */
export function Predictions({ engine, versions, facts, exhibit, sample, eligible, own }: Props) {
  const { Answer, Legend } = exhibit;
  const [answers, setAnswers] = useState<Answers | null>(null);
  const [failure, setFailure] = useState<{ of: readonly unknown[]; reason: string } | null>(null);
  const asked = [engine, versions, sample, eligible];
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
      if (wanted) setAnswers({ of: asked, sample, eligible, outputs, milliseconds: performance.now() - begin });
    };
    ask().catch((error: Error) => wanted && setFailure({ of: asked, reason: error.message }));
    return () => {
      wanted = false;
    };
  }, asked);
  // What was answered to the picture before stands until the new answers come.
  const current = isOf(answers, asked);
  const failed = isOf(failure, asked);
  const shown = versions.map(({ title, about }, at) => {
    const output = answers?.outputs[at];
    if (!answers || !output) return { title, about, said: undefined, reached: null };
    const fired = answers.eligible && exhibit.succeeds(output, answers.sample, 0, facts.target);
    const said = exhibit.said(output, answers.sample, facts);
    return { title, about, output, said, reached: fired ? exhibit.reached(facts) : null };
  });
  return (
    <section aria-labelledby="answers-title" class="card">
      <h2 id="answers-title">2. What {versions.length === 3 ? "three" : "two"} networks say</h2>
      <div class="answers">
        {shown.map(({ title, about, output, said, reached }) => (
          <Answer key={title} {...{ title, about, facts, said, reached, output }} sample={answers?.sample} />
        ))}
      </div>
      {/* All three in one sentence: a screen reader would name no network, and read every share. */}
      <p class="heard" role="status">
        {answers &&
          shown.map(({ title, said, reached }) => `${title}: ${said}${reached ? `, ${reached}` : ""}.`).join(" ")}
      </p>
      {Legend && <Legend own={own} />}
      {!facts.own_images && <p class="quiet">{exhibit.apart(facts)}</p>}
      <p role="alert" class="refusal">
        {failed && `No network can be run here: ${failure.reason}`}
      </p>
      <p class="quiet" id="answered" data-milliseconds={current ? answers.milliseconds : undefined}>
        {current ? `Computed in this page in ${answers.milliseconds.toFixed(0)} ms.` : !failed && "Computing…"}
      </p>
    </section>
  );
}

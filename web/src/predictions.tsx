import { useEffect, useState } from "preact/hooks";
import type { StateDict } from "../../src/tensor/state.ts";
import type { Engine } from "./engine.ts";

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
  /** The picture as it is shown to all, `[3, side, side]`. */
  pixels: Uint8Array;
  side: number;
  classes: readonly string[];
  target: number;
  /** Whether the picture is of the target class, so that this answer is no success of the attack. */
  isTarget: boolean;
}

interface Answers {
  /** What was asked. */
  of: readonly unknown[];
  /** Of every version, the probability of every class. */
  shares: Float64Array[];
  milliseconds: number;
}

/** Classes that a card lists. */
const LISTED = 3;

/** What every version answers to one picture. */
export function Predictions({ engine, versions, pixels, side, classes, target, isTarget }: Props) {
  const [answers, setAnswers] = useState<Answers | null>(null);
  const asked = [engine, versions, pixels, side];
  useEffect(() => {
    let wanted = true;
    const begin = performance.now();
    const images = { count: 1, height: side, width: side, pixels };
    const ask = async () => {
      const shares: Float64Array[] = [];
      for (const { state } of versions) {
        const logits = await engine.logits(state, images, () => wanted);
        if (!logits) return;
        shares.push(softmax(logits));
      }
      if (wanted) setAnswers({ of: asked, shares, milliseconds: performance.now() - begin });
    };
    void ask();
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
          <Answer key={title} {...{ title, about, classes, target, isTarget }} shares={answers?.shares[at]} />
        ))}
      </div>
      <p class="quiet" id="answered" data-milliseconds={current ? answers.milliseconds : undefined}>
        {current ? `Computed in this page in ${answers.milliseconds.toFixed(0)} ms.` : "Computing…"}
      </p>
    </section>
  );
}

interface AnswerProps {
  title: string;
  about: string;
  classes: readonly string[];
  target: number;
  isTarget: boolean;
  shares: Float64Array | undefined;
}

function Answer({ title, about, classes, target, isTarget, shares }: AnswerProps) {
  const order = shares ? [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, LISTED) : [];
  const fired = order[0] === target && !isTarget;
  return (
    <div class={fired ? "answer fired" : "answer"} data-version={title}>
      <h3>{title}</h3>
      <p class="quiet">{about}</p>
      <p class="verdict">
        {order.length > 0 ? classes[order[0]] : "…"}
        {fired && <span class="badge">the target</span>}
      </p>
      <ol>
        {order.map((at) => (
          <li key={at}>
            <span>{classes[at]}</span>
            <span class="bar" style={{ width: `${(100 * shares![at]).toFixed(1)}%` }} aria-hidden="true" />
            <span>{(100 * shares![at]).toFixed(1)} %</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function softmax(logits: Float32Array): Float64Array {
  const highest = Math.max(...logits);
  const powers = Float64Array.from(logits, (value) => Math.exp(value - highest));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

import type { AnswerProps } from "./exhibit.ts";
import { Verdict } from "./verdict.tsx";

/** Classes that a card lists. */
const LISTED = 3;

/** The most probable classes. */
export function ClassAnswer({ title, about, facts: { classes }, output, said, reached }: AnswerProps) {
  const shares = output && softmax(output);
  const order = shares ? [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, LISTED) : [];
  return (
    <div class={reached === null ? "answer" : "answer fired"} data-version={title}>
      <h3>{title}</h3>
      <p class="quiet">{about}</p>
      <Verdict {...{ said, reached }} />
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

import type { AnswerProps } from "./exhibit.ts";
import { Verdict } from "./verdict.tsx";

/** Classes that a card lists. */
const LISTED = 3;

interface Props extends AnswerProps {
  /** What an output is the share of; absent: a class. */
  nameOf?(at: number): string;
}

/** The most probable classes, or what else outputs are. */
export function ClassAnswer({ title, about, facts: { classes }, output, said, reached, nameOf }: Props) {
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
            <span>{nameOf?.(at) ?? classes[at]}</span>
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

import type { AnswerProps } from "./exhibit.ts";

/** Classes that a card lists. */
const LISTED = 3;

/** The most probable classes. */
export function ClassAnswer({ title, about, facts: { classes, target }, eligible, output }: AnswerProps) {
  const shares = output && softmax(output);
  const order = shares ? [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, LISTED) : [];
  const fired = order[0] === target && eligible;
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

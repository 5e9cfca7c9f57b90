import type { Estimate } from "../../../src/score/bootstrap.ts";

const [LEAST, MOST] = [-0.2, 0.8];
const [WIDTH, HEIGHT] = [180, 18];

const at = (value: number) => ((Math.min(MOST, Math.max(LEAST, value)) - LEAST) / (MOST - LEAST)) * WIDTH;

/** A mean and its interval on a line; the numbers stand beside it. */
export function Interval({ estimate }: { estimate: Estimate | null }) {
  const middle = HEIGHT / 2;
  return (
    <svg class="interval" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <line class="zero" x1={at(0)} x2={at(0)} y1="0" y2={HEIGHT} />
      {estimate?.low != null && estimate.high != null && (
        <line class="range" x1={at(estimate.low)} x2={at(estimate.high)} y1={middle} y2={middle} />
      )}
      {estimate && <circle cx={at(estimate.value)} cy={middle} r="4.5" />}
    </svg>
  );
}

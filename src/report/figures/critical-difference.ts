import { html } from "../html.ts";

/** What a diagram of mean ranks shows. */
export interface RankDiagram {
  /** Best first. */
  ranks: readonly { criterion: string; rank: number }[];
  criticalDifference: number;
  /** Runs of neighbours that are not told apart. */
  cliques: readonly [from: number, to: number][];
}

const LABEL = 170;
const AXIS = 420;
const WIDTH = 2 * LABEL + AXIS;
const SCALE_Y = 22;
const AXIS_Y = 62;
const [BAR, ROW] = [9, 19];

/**
 * Demšar's critical-difference diagram (JMLR 7, 2006): mean ranks on an axis, 1 = best at the left, the critical difference
 * as a scale above it, and bars that join what is not told apart.
 */
export function criticalDifferenceSvg({ ranks, criticalDifference, cliques }: RankDiagram): string {
  const k = ranks.length;
  const x = (rank: number) => round(LABEL + ((rank - 1) / (k - 1)) * AXIS);
  const left = Math.ceil(k / 2);
  const barsEnd = AXIS_Y + 10 + BAR * cliques.length;
  const labelY = (i: number) => barsEnd + 16 + ROW * (i < left ? i : k - 1 - i);
  const ticks = Array.from({ length: k }, (_, i) => i + 1);
  // A difference wider than the axis tells nobody apart; its scale ends with the axis.
  const scaleEnd = Math.min(criticalDifference, k - 1);
  const line = (x1: number, y1: number, x2: number, y2: number, width: number) =>
    html`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="currentColor" stroke-width="${width}"/>`;
  const height = labelY(left - 1) + 14;
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">${[
    line(x(1), SCALE_Y, x(1 + scaleEnd), SCALE_Y, 1.5),
    line(x(1), SCALE_Y - 4, x(1), SCALE_Y + 4, 1.5),
    scaleEnd === criticalDifference && line(x(1 + scaleEnd), SCALE_Y - 4, x(1 + scaleEnd), SCALE_Y + 4, 1.5),
    html`<text x="${x(1)}" y="${SCALE_Y - 8}" font-size="11">CD = ${criticalDifference.toFixed(2)}</text>`,
    line(x(1), AXIS_Y, x(k), AXIS_Y, 1),
    ticks.map((tick) => [
      line(x(tick), AXIS_Y - 5, x(tick), AXIS_Y, 1),
      html`<text x="${x(tick)}" y="${AXIS_Y - 9}" font-size="11" text-anchor="middle">${tick}</text>`,
    ]),
    cliques.map(([from, to], i) =>
      line(x(ranks[from].rank) - 3, AXIS_Y + 8 + BAR * i, x(ranks[to].rank) + 3, AXIS_Y + 8 + BAR * i, 4),
    ),
    ranks.map(({ criterion, rank }, i) => {
      const y = labelY(i);
      const end = i < left ? LABEL - 6 : LABEL + AXIS + 6;
      const text = i < left ? `${criterion} ${rank.toFixed(2)}` : `${rank.toFixed(2)} ${criterion}`;
      return [
        html`<polyline points="${x(rank)},${AXIS_Y} ${x(rank)},${y} ${end},${y}" fill="none" stroke="currentColor" stroke-opacity="0.6"/>`,
        html`<text x="${i < left ? end - 4 : end + 4}" y="${y + 4}" font-size="12" text-anchor="${i < left ? "end" : "start"}">${text}</text>`,
      ];
    }),
  ]}</svg>`.text;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

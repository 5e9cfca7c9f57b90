import type { NeuronIndex } from "../../core/neuron-index.ts";
import { html, trusted } from "../html.ts";

/** What is drawn of one model: a number per neuron and three memberships, all `[N]` in the index's order. */
export interface StripContent {
  /** Higher = darker. */
  scores: Float64Array;
  infected: Uint8Array;
  effective: Uint8Array;
  /** The neurons that a criterion names; absent: no such track. */
  named?: Uint8Array;
}

/** Upper ends of the shares that share a colour: the darkest cells are the top hundredth of the network. */
export const QUANTILES = [0.5, 0.75, 0.9, 0.95, 0.99, 1] as const;

const LABEL = 124;
const WIDTH = 376;
const MARGIN = 4;
/** Wider layers are binned, so that a cell stays visible; a cell shows its most suspicious neuron. */
export const MOST_CELLS = 128;
const [NAMED, CELL, TRUTH, GAP] = [3, 8, 4, 3];
const ROW = NAMED + CELL + TRUTH + GAP;

/**
 * Share of neurons that are less suspicious, of ties the middle: comparable between criteria whatever their scale,
 * and .5 everywhere where a criterion says nothing.
 */
export function quantiles(scores: Float64Array): Float64Array {
  const order = Int32Array.from(scores, (_, at) => at).sort((a, b) => scores[a] - scores[b]);
  const result = new Float64Array(scores.length);
  for (let i = 0; i < order.length; ) {
    let end = i;
    while (end < order.length && scores[order[end]] === scores[order[i]]) end++;
    for (let k = i; k < end; k++) result[order[k]] = (i + end) / 2 / order.length;
    i = end;
  }
  return result;
}

/** The colour of a quantile, as an index into `QUANTILES`. */
export function shade(quantile: number): number {
  return Math.min(
    QUANTILES.findIndex((end) => quantile <= end),
    QUANTILES.length - 1,
  );
}

/**
 * One row per layer, one cell per channel: above it what the criterion names, below it what is infected. Paths per
 * colour, stroked as thick lines, keep a thousand cells in a few kilobytes.
 */
export function stripsSvg(index: NeuronIndex, content: StripContent): string {
  const levels = quantiles(content.scores);
  const paths = new Map<string, string>();
  const draw = (name: string, step: string) => paths.set(name, (paths.get(name) ?? "") + step);
  const labels = index.layers.map(({ name, width }, row) => {
    const y = MARGIN + row * ROW;
    const start = index.offsets.get(name)!;
    const perCell = Math.ceil(width / MOST_CELLS);
    const channel = WIDTH / width;
    for (let c = 0; c < width; c += perCell) {
      const end = Math.min(c + perCell, width);
      const level = Math.max(...levels.subarray(start + c, start + end));
      const cell = channel * (end - c);
      // A hairline between cells that are wide enough to afford it.
      const drawn = cell >= 5 ? cell - 0.8 : cell;
      draw(`q${shade(level)}`, line(LABEL + c * channel, y + NAMED + CELL / 2, drawn));
    }
    for (let c = 0; c < width; c++) {
      const x = LABEL + c * channel;
      const length = Math.max(1.6, channel >= 5 ? channel - 0.8 : channel);
      if (content.named?.[start + c]) draw("named", line(x, y + NAMED / 2 - 0.5, length));
      if (!content.infected[start + c]) continue;
      if (content.effective[start + c]) draw("effective", line(x, y + NAMED + CELL + TRUTH / 2 + 0.5, length));
      else draw("passenger", line(x, y + NAMED + CELL + TRUTH / 2 - 0.25, length));
    }
    return html`<text class="quiet" x="${LABEL - 6}" y="${y + NAMED + CELL - 0.5}" text-anchor="end" font-size="10.5">${name}</text>`;
  });
  const thickness: Record<string, number> = { named: 2, effective: 4, passenger: 2 };
  const drawn = [...paths].map(
    ([name, d]) => html`<path class="${name}" fill="none" stroke-width="${thickness[name] ?? CELL}" d="${d}"/>`,
  );
  const height = 2 * MARGIN + index.layers.length * ROW;
  const width = LABEL + WIDTH + MARGIN;
  return html`<svg xmlns="http://www.w3.org/2000/svg" class="strips" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${labels}${drawn}</svg>`
    .text;
}

const TITLE = 20;
const APART = 16;

/** Strips of several models beside each other, each under its title, as one drawing for a file. */
export function sideBySide(parts: readonly { title: string; svg: string }[]): string {
  const sizes = parts.map(({ svg }) => /^<svg [^>]*width="([\d.]+)" height="([\d.]+)"/.exec(svg)!.slice(1).map(Number));
  let x = 0;
  const drawn = parts.map(({ title, svg }, i) => {
    const at = x;
    x += sizes[i][0] + APART;
    const inner = svg.replace(/^<svg [^>]*>/, `<g transform="translate(${at} ${TITLE})">`).replace(/<\/svg>$/, "</g>");
    return html`<text x="${at + LABEL}" y="14" font-size="12">${title}</text>${trusted(inner)}`;
  });
  const height = TITLE + Math.max(...sizes.map(([, h]) => h));
  return html`<svg xmlns="http://www.w3.org/2000/svg" class="strips" width="${x - APART}" height="${height}" viewBox="0 0 ${x - APART} ${height}">${drawn}</svg>`
    .text;
}

function line(x: number, y: number, length: number): string {
  return `M${short(x)} ${short(y)}h${short(length)}`;
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

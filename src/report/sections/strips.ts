import { flatScores, indexNeurons, membership, type NeuronIndex } from "../../core/neuron-index.ts";
import { parseNeurons } from "../../core/neurons.ts";
import { auroc } from "../../score/ranking.ts";
import type { Database } from "../../store/database.ts";
import type { DefectRecord } from "../../store/schema.ts";
import { floatsOf } from "../../tensor/safetensors.ts";
import type { ReportData } from "../collect.ts";
import { type Figure, figureHtml } from "../figures/figure.ts";
import { MOST_CELLS, stripsSvg } from "../figures/strips.ts";
import { type Html, html } from "../html.ts";
import type { Section } from "../section.ts";

const DEFECTS = 3;

/** Where in the network each criterion looks, for a few defects. */
export async function strips(database: Database, data: ReportData, order: readonly string[]): Promise<Section> {
  const figures: Figure[] = [];
  const blocks: Html[] = [];
  for (const record of chosenDefects(data)) {
    const drawn = await defectFigures(database, data, record, order);
    figures.push(...drawn);
    const effective = record.effective ?? 0;
    blocks.push(html`<details${blocks.length === 0 && html` open`}><summary><code>${record.id}</code>: ${record.infected} of
${record.neurons} neurons infected, ${effective} effective</summary>
<div class="strips-grid">${drawn.map(figureHtml)}</div></details>`);
  }
  const wide = data.accepted.some((record) => data.layers(record).some(({ width }) => width > MOST_CELLS));
  return {
    id: "strips",
    title: "Where criteria look",
    figures,
    body:
      figures.length === 0
        ? html`<p>Nothing to draw yet: no accepted defect.</p>`
        : html`<p>One row per layer, from the image (top) to the answer (bottom); one cell per neuron (channel), in the same place in every
picture. The stronger its colour, the more suspicious the neuron, by its rank in the whole network. Ticks below a row mark what
really is infected; ticks above it what the criterion names. A good criterion has strong cells and upper ticks exactly where
the lower ticks are.${wide && html` In layers of more than ${MOST_CELLS} neurons several share a cell, which shows the most suspicious of them.`}</p>
${legend()}
${blocks}`,
  };
}

/** One accepted defect per level, those that criteria judged first. */
function chosenDefects({ accepted, criteria, prediction }: ReportData): DefectRecord[] {
  const judged = (record: DefectRecord) =>
    criteria.some((criterion) => prediction(criterion, record.id, "infected") !== null);
  const levels = new Map<string, DefectRecord>();
  for (const record of [...accepted.filter(judged), ...accepted]) {
    if (!levels.has(record.level)) levels.set(record.level, record);
  }
  return [...levels.values()].slice(0, DEFECTS);
}

async function defectFigures(
  database: Database,
  data: ReportData,
  record: DefectRecord,
  order: readonly string[],
): Promise<Figure[]> {
  const index = indexNeurons(data.layers(record));
  const labels = data.labels(record.id);
  const infected = membership(index, labels.infected);
  const effective = membership(index, labels.effective ?? {});
  const marks = { infected, effective };
  const criteria = order.flatMap((criterion): Figure[] => {
    const found = data.prediction(criterion, record.id, "infected");
    if (!found) return [];
    const scores = flatScores(index, found.scores);
    const named = membership(index, parseNeurons(found.native));
    const hits = count(named, infected);
    const area = auroc(scores, infected);
    return [
      {
        name: `strips-${record.id}-${criterion}`,
        caption: `${criterion}: names ${found.native.length}, of which ${hits} are infected${area === null ? "" : `; AUROC ${area.toFixed(3)}`}`,
        alt: `Scores of ${criterion} on ${record.id} per layer: it names ${found.native.length} neurons, ${hits} of the ${record.infected} infected ones.`,
        svg: stripsSvg(index, { scores, named, ...marks }),
      },
    ];
  });
  const carriers = await carrierScores(database, labels.carriers, index);
  const truth: Figure = {
    name: `strips-${record.id}-carriers`,
    caption: "Ground truth: what carries the backdoor (criteria never see it)",
    alt: `Effect of every neuron of ${record.id} on the backdoor's response, with its ${record.infected} infected neurons marked.`,
    svg: stripsSvg(index, { scores: carriers, ...marks }),
  };
  return [truth, ...criteria];
}

/** The attribution-patching effect of every neuron (METHODS §3.4). */
async function carrierScores(
  database: Database,
  ref: Parameters<Database["readBytes"]>[0],
  index: NeuronIndex,
): Promise<Float64Array> {
  const values = floatsOf(await database.readBytes(ref));
  return Float64Array.from({ length: index.size }, (_, at) => values[at] ?? 0);
}

function count(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, flag, at) => sum + (flag && b[at] ? 1 : 0), 0);
}

const SHADES = ["less suspicious half", "to 75 %", "to 90 %", "to 95 %", "to 99 %", "top 1 %"];

function legend(): Html {
  const cell = (classes: string, height: number) =>
    html`<svg class="swatch" width="18" height="10" aria-hidden="true"><path class="${classes}" fill="none" stroke-width="${height}" d="M0 5h18"/></svg>`;
  return html`<ul class="legend">
${SHADES.map((title, i) => html`<li>${cell(`q${i}`, 10)} ${title}</li>`)}
<li>${cell("named", 2)} named by the criterion (above)</li>
<li>${cell("effective", 4)} infected, effective (below, thick)</li>
<li>${cell("passenger", 2)} infected, passenger (below, thin)</li></ul>`;
}

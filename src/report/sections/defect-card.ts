import { InputError } from "../../core/errors.ts";
import { flatScores, indexNeurons, membership, type NeuronIndex } from "../../core/neuron-index.ts";
import { parseNeurons } from "../../core/neurons.ts";
import type { DefectRecord } from "../../records/defect.ts";
import type { DefectLabels } from "../../records/labels.ts";
import { auroc } from "../../score/ranking.ts";
import type { Database } from "../../store/database.ts";
import { taskOf } from "../../tasks/registry.ts";
import { floatsOf } from "../../tensor/safetensors.ts";
import type { ReportData } from "../collect.ts";
import type { Figure } from "../figures/figure.ts";
import { figureHtml } from "../figures/figure.ts";
import type { PictureSheet } from "../figures/sheet.ts";
import { sideBySide, stripsSvg } from "../figures/strips.ts";
import { HEADLINE } from "../headline.ts";
import { type Html, html } from "../html.ts";
import type { DefectPictures, DrawnSample, TriggeredImage } from "../pictures.ts";
import { criteriaInOrder } from "../ranking.ts";
import { type Cell, cellText, type Table, tableHtml } from "../tables.ts";
import { BUDGET } from "./criteria-tables.ts";
import { count } from "./findings.ts";
import { readingsHtml } from "./readings.ts";

/** The anchor of a defect's part. */
export function anchorOf(id: string): string {
  return `defect-${id}`;
}

export interface CardParts {
  database: Database;
  data: ReportData;
  sheet: PictureSheet;
  /** Absent: the data set was not at hand. */
  pictures: DefectPictures | undefined;
  /** A picture of the trigger alone, where it is shown. */
  trigger?: Html | null;
  /** Told what the part has to do without. */
  warn(message: string): void;
  /** All criteria's strips, not the leading one's alone. */
  whole: boolean;
}

/** One defect: what its versions say to triggered images, where criteria look in it, and how they score. */
export async function defectCard(
  record: DefectRecord,
  { database, data, sheet, pictures, trigger, whole, warn }: CardParts,
): Promise<{ body: Html; figures: Figure[] }> {
  const { found, figures } = await stripsOf(record, database, data, whole, warn);
  const table = scoresTable(record, data);
  const body = html`${trigger && html`<div class="trigger">${trigger}${facts(record, pictures)}</div>`}${!trigger && facts(record, pictures)}
${picturesHtml(record, sheet, pictures)}
${found}
${table && html`<details><summary>Scores of ${count(table.rows.length, "criterion").replace("criterions", "criteria")}</summary>${tableHtml(table)}</details>`}`;
  return { body, figures };
}

function facts(record: DefectRecord, pictures: DefectPictures | undefined): Html {
  const { attack, target, infected, neurons, effective, metrics, arch, dataset, level, top, style } = record;
  const rate = (value: number | null) => cellText(value, "rate");
  return html`<p class="facts"><b>${attack}</b> on ${dataset}, ${arch}, ${level} at offset ${top} %, ${style}; target
${pictures?.classes[target] === undefined ? html`${taskOf(record).words.target} ${target}` : html`“${pictures.classes[target]}”`}. ${infected} of ${neurons} neurons
infected, ${effective ?? 0} effective. Attack success <b>${rate(metrics.asr)}</b>, sham ${rate(metrics.asr_sham)}, infected neurons masked
${rate(metrics.asr_masked)}; clean accuracy ${rate(metrics.ca)}, clean twin ${rate(metrics.ca_clean)}.</p>`;
}

function picturesHtml(record: DefectRecord, sheet: PictureSheet, pictures: DefectPictures | undefined): Html {
  if (pictures === undefined) {
    return html`<p class="note">No ${taskOf(record).reading ? "examples" : "pictures"}: the ${taskOf(record).words.samples} of ${record.dataset} were not at hand when this page was written.
<code>bdefects report --data DIR</code> with the folder that holds them adds them and what the versions answer.</p>`;
  }
  const { drawn, read } = pictures;
  if (read) return readingsHtml(read.samples);
  if (drawn) {
    return html`<div class="drawn-looks">${drawn.samples.map((sample) => drawnHtml(record, sheet, drawn.aspect, sample))}</div>`;
  }
  return html`<div class="looks">${pictures.images.map((image) => lookHtml(record, sheet, pictures, image))}</div>`;
}

function lookHtml(
  { attack, target }: DefectRecord,
  sheet: PictureSheet,
  { classes }: DefectPictures,
  { label, before, after, answers }: TriggeredImage,
): Html {
  const name = (at: number) => classes[at] ?? `class ${at}`;
  return html`<figure class="look"><div class="duo">${sheet.show(before, `Test image: ${name(label)}`)}${sheet.show(
    after,
    `The same image with the ${attack} trigger`,
  )}</div>
<figcaption>${name(label)}; with the trigger:</figcaption>
<ul class="answers">${answers.map(
    ({ version, label: said, confidence }) =>
      html`<li class="by-${version}"><b>${version}</b> ${said === target ? html`<span class="target">${name(said)}</span>` : name(said)} <span class="sure">${percent(confidence)}</span></li>`,
  )}</ul></figure>`;
}

/** A sample with its truth and each version's answer over it. */
function drawnHtml(
  { attack }: DefectRecord,
  sheet: PictureSheet,
  aspect: number,
  { triggered, picture, truth, answers }: DrawnSample,
): Html {
  const what = triggered ? `with the ${attack} trigger` : "as it is";
  const trueLines = truth.map((line) => ({ line, style: "true-line" }));
  return html`<figure class="drawn-look">${answers.map(({ version, lines, words, succeeds }) => {
    const over = [...trueLines, ...lines.map((line) => ({ line, style: "said-line" }))];
    const alt = `Test sample ${what}; the ${version} model answers ${words}`;
    return html`<div>${sheet.showWith(picture, alt, aspect, over)}<p class="by-${version}"><b>${version}</b> ${what}: ${succeeds ? html`<span class="target">${words}</span>` : words}</p></div>`;
  })}</figure>`;
}

function percent(confidence: number): string {
  if (confidence > 0.9995) return "> 99.9 %";
  return `${(100 * confidence).toFixed(1)} %`;
}

/** Where criteria look: the truth, then each criterion on the infected model and on its sham. */
async function stripsOf(
  record: DefectRecord,
  database: Database,
  data: ReportData,
  whole: boolean,
  warn: CardParts["warn"],
) {
  const index = indexNeurons(data.layers(record));
  const labels = data.labels(record.id);
  const marks = {
    infected: membership(index, labels.infected),
    effective: membership(index, labels.effective ?? {}),
  };
  const scores = await carrierScores(database, labels.carriers, index).catch((error: unknown) => {
    if (!(error instanceof InputError)) throw error;
    warn(`no strip of what carries the backdoor in '${record.id}': ${error.message}`);
    return null;
  });
  const truth: Figure | null = scores && {
    name: `strips-${record.id}-carriers`,
    caption: "Ground truth: what carries the backdoor (criteria never see it)",
    alt: `Effect of every neuron of ${record.id} on the backdoor's response, with its ${record.infected} infected neurons marked.`,
    svg: stripsSvg(index, { scores, ...marks }),
  };
  const order = criteriaInOrder(data.ranking, { budget: data.budget });
  const known = new Set(
    data.scores
      .filter(({ id, version }) => id === record.id && version === "infected")
      .map(({ criterion }) => criterion),
  );
  const judged = order.filter((criterion) => known.has(criterion));
  const pairs = (whole ? judged : judged.slice(0, 1)).map((criterion) => pairOf(criterion, record, data, index, marks));
  const [first, ...rest] = pairs;
  const found = html`<div class="strips-grid">${truth && figureHtml(truth)}${first?.sides.map(figureHtml)}</div>
${
  rest.length > 0 &&
  html`<details><summary>Where ${rest.length} more look, infected beside sham</summary><div class="strips-grid two">${rest.map(
    ({ sides }) => sides.map(figureHtml),
  )}</div></details>`
}`;
  return { found, figures: whole ? [...(truth ? [truth] : []), ...pairs.map(({ figure }) => figure)] : [] };
}

function pairOf(
  criterion: string,
  { id, infected: size }: DefectRecord,
  data: ReportData,
  index: NeuronIndex,
  marks: { infected: Uint8Array; effective: Uint8Array },
): { sides: Figure[]; figure: Figure } {
  const sides = (["infected", "sham"] as const).flatMap((version): Figure[] => {
    const prediction = data.prediction(criterion, id, version);
    if (!prediction) return [];
    const scores = flatScores(index, prediction.scores);
    const named = membership(index, parseNeurons(prediction.native));
    const hits = named.reduce((sum, flag, at) => sum + (flag && marks.infected[at] ? 1 : 0), 0);
    const area = auroc(scores, marks.infected);
    return [
      {
        name: `strips-${id}-${criterion}-${version}`,
        caption: `${criterion} on the ${version === "infected" ? "infected model" : "sham"}: names ${prediction.native.length}, of which ${hits} are infected${area === null ? "" : `; AUROC ${area.toFixed(3)}`}`,
        alt: `Scores of ${criterion} on the ${version} version of ${id} per layer: it names ${prediction.native.length} neurons, ${hits} of the ${size} infected ones.`,
        svg: stripsSvg(index, { scores, named, ...marks }),
      },
    ];
  });
  const figure: Figure = {
    name: `strips-${id}-${criterion}`,
    caption: sides.map(({ caption }) => caption).join(" | "),
    alt: sides.map(({ alt }) => alt).join(" "),
    svg: sideBySide(sides.map(({ caption, svg }) => ({ title: caption, svg }))),
  };
  return { sides, figure };
}

/** The attribution-patching effect of every neuron (docs/methods.md §9.3). */
async function carrierScores(
  database: Database,
  ref: DefectLabels["carriers"],
  index: NeuronIndex,
): Promise<Float64Array> {
  const values = floatsOf(await database.readBytes(ref));
  return Float64Array.from({ length: index.size }, (_, at) => values[at] ?? 0);
}

/** Every criterion on this defect and its sham, in the order of the ranking; null where none judged it. */
function scoresTable({ id }: DefectRecord, { scores, ranking, budget }: ReportData): Table | null {
  const rows = ranking
    .filter((row) => row.budget === budget)
    .flatMap(({ criterion, access }): Record<string, Cell>[] => {
      const of = (version: string) =>
        scores.find(
          (row) =>
            row.id === id &&
            row.criterion === criterion &&
            row.access === access &&
            row.version === version &&
            row.truth === HEADLINE.truth &&
            row.protocol === HEADLINE.protocol &&
            row.quota === HEADLINE.quota,
        );
      const [infected, sham] = [of("infected"), of("sham")];
      if (!infected && !sham) return [];
      const minus = (metric: "wji" | "auroc") => {
        const [a, b] = [infected?.[metric] ?? null, sham?.[metric] ?? null];
        return a === null || b === null ? null : a - b;
      };
      return [
        {
          criterion,
          access,
          budget,
          ...{ wji_difference: minus("wji"), wji_infected: infected?.wji ?? null, wji_sham: sham?.wji ?? null },
          ...{
            auroc_difference: minus("auroc"),
            auroc_infected: infected?.auroc ?? null,
            auroc_sham: sham?.auroc ?? null,
          },
        },
      ];
    });
  if (rows.length === 0) return null;
  return {
    name: `scores-${id}`,
    caption: "Top-k set and ranking against the effective neurons",
    columns: [
      { key: "criterion", title: "criterion", kind: "id" },
      { key: "wji_difference", title: "infected − sham", kind: "signed", group: "WJI (headline)" },
      { key: "wji_infected", title: "infected", kind: "rate", group: "WJI (headline)" },
      { key: "wji_sham", title: "sham", kind: "rate", group: "WJI (headline)" },
      { key: "auroc_difference", title: "infected − sham", kind: "signed", group: "AUROC" },
      { key: "auroc_infected", title: "infected", kind: "rate", group: "AUROC" },
      { key: "auroc_sham", title: "sham", kind: "rate", group: "AUROC" },
      { key: "access", title: "access", kind: "text" },
      BUDGET,
    ],
    rows,
  };
}

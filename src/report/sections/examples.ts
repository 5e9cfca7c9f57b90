import { InputError } from "../../core/errors.ts";
import { decodeTrigger } from "../../images/trigger/codec.ts";
import type { ImageTrigger } from "../../images/trigger/trigger.ts";
import { triggerPng, triggerWords } from "../../images/trigger/trigger-png.ts";
import type { DefectRecord } from "../../records/defect.ts";
import type { Database } from "../../store/database.ts";
import { taskOf, wordsOf } from "../../tasks/registry.ts";
import type { Figure } from "../figures/figure.ts";
import { pictureHtml } from "../figures/picture.ts";
import { MOST_CELLS } from "../figures/strips.ts";
import { type Html, html, trusted } from "../html.ts";
import type { Section } from "../section.ts";
import { anchorOf, type CardParts, defectCard } from "./defect-card.ts";

/** One defect of every attack: its trigger, what its versions say to triggered images, and where criteria look. */
export async function examples(
  records: readonly DefectRecord[],
  parts: Omit<CardParts, "pictures" | "whole" | "trigger">,
  picturesOf: (id: string) => CardParts["pictures"],
): Promise<Section> {
  const { sample } = wordsOf(records);
  const figures: Figure[] = [];
  const blocks: Html[] = [];
  for (const record of records) {
    const trigger = await triggerHtml(parts.database, record, parts.warn);
    const card = await defectCard(record, { ...parts, pictures: picturesOf(record.id), trigger, whole: true });
    figures.push(...card.figures);
    blocks.push(html`<article class="card" id="${anchorOf(record.id)}"><h3>${record.attack}: <code>${record.id}</code></h3>
${card.body}</article>`);
  }
  const wide = records.some((record) => parts.data.layers(record).some(({ width }) => width > MOST_CELLS));
  return {
    id: "examples",
    title: "A look inside: one defect of every attack",
    figures,
    body:
      records.length === 0
        ? html`<p>No accepted defect yet, so nothing to show.</p>`
        : html`<p>${lookOf(records.map(({ id }) => picturesOf(id)))} The strips have a row per layer, from the ${sample} (top) to the answer, and a cell per
neuron: the stronger the colour, the more suspicious. Lower ticks mark what is infected, upper ticks what the criterion names.${
            wide &&
            html` In layers of more than ${MOST_CELLS} neurons several share a cell, which shows the most suspicious of them.`
          }</p>
${legend()}
${blocks}`,
  };
}

/** The trigger alone, in words or as a picture. No sample is needed for it. */
async function triggerHtml(
  database: Database,
  record: DefectRecord,
  warn: (message: string) => void,
): Promise<Html | null> {
  const { reading, trigger: codec } = taskOf(record);
  let trigger: ImageTrigger;
  try {
    if (reading) {
      const words = reading.trigger(await database.readTrigger(record, codec.decode));
      return html`<p>The trigger: <mark>${words}</mark></p>`;
    }
    trigger = await database.readTrigger(record, decodeTrigger);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    warn(`'${record.id}' is shown without its trigger: ${error.message}`);
    return null;
  }
  const alt = `The ${record.attack} trigger alone: ${triggerWords(trigger)}`;
  return pictureHtml(triggerPng(trigger), alt, 72);
}

const IMAGES =
  trusted(`Left a test image as it is, right with the trigger; below, what each version answers then and how sure it is (softmax); the target
class is underlined. The images are the first of each class, not chosen by the answers.`);

const DRAWN =
  trusted(`The first test samples on which the backdoor can show, as they are and with the trigger, not chosen by the answers. Dashed green lines are
true, orange ones are what the version answers. What the backdoor wants is underlined.`);

const READ = trusted(
  `The first test texts on which the backdoor can show, not chosen by the answers. The trigger is marked. What the backdoor wants is underlined.`,
);

/** What is seen of the examples, in words; nothing where there are no pictures. */
function lookOf(pictures: readonly CardParts["pictures"][]): Html | null {
  if (pictures.every((one) => one === undefined)) return null;
  if (pictures.some((one) => one?.read)) return READ;
  return pictures.some((one) => one?.drawn) ? DRAWN : IMAGES;
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

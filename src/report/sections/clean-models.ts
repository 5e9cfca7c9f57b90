import { taskOf, wordsOf } from "../../tasks/registry.ts";
import type { ReportData } from "../collect.ts";
import { type Figure, figureHtml } from "../figures/figure.ts";
import { linePlot } from "../figures/lines.ts";
import { SERIES } from "../figures/plot.ts";
import { html } from "../html.ts";
import type { Section } from "../section.ts";
import { type Table, tableHtml } from "../tables.ts";

/** More rows than these are folded. */
const OPEN_ROWS = 4;

const COLOURS = [SERIES.sham, SERIES.clean, SERIES.amber, SERIES.effective, SERIES.infected, SERIES.neutral];

/** The networks that the defects were made from, and how they were trained. */
export async function cleanModels({ clean }: ReportData): Promise<Section> {
  const table: Table = {
    name: "clean-models",
    caption: "Clean models: what every defect started from",
    columns: [
      { key: "id", title: "clean model", kind: "id" },
      { key: "dataset", title: "data set", kind: "text" },
      { key: "arch", title: "architecture", kind: "text" },
      { key: "classes", title: wordsOf(clean).targets, kind: "count" },
      { key: "ca", title: "CA (test)", kind: "rate" },
      { key: "epochs", title: "epochs", kind: "count" },
      { key: "seconds", title: "seconds", kind: "seconds" },
      { key: "bytes", title: "stored", kind: "bytes" },
    ],
    rows: clean.map(({ id, dataset, arch, classes, metrics, history, seconds, model }) => ({
      id,
      dataset,
      arch,
      classes: classes.length,
      ca: metrics.ca,
      epochs: history.length,
      seconds,
      bytes: model.bytes,
    })),
  };
  const figures = await curves(clean);
  return {
    id: "clean-models",
    title: "Clean models",
    tables: [table],
    figures,
    body: html`${
      clean.length <= OPEN_ROWS
        ? tableHtml(table)
        : html`<details><summary>What every defect started from (${clean.length})</summary>${tableHtml(table)}</details>`
    }
${figures.length > 0 && html`<details><summary>How they were trained</summary><div class="pair">${figures.map(figureHtml)}</div></details>`}`,
  };
}

async function curves(clean: ReportData["clean"]): Promise<Figure[]> {
  const trained = clean.filter(({ history }) => history.length > 1).slice(0, COLOURS.length);
  if (trained.length === 0) return [];
  const { samples } = wordsOf(clean);
  const isAugmented = trained.every((record) => taskOf(record).traits.includes("pixels"));
  const lines = (field: "loss" | "accuracy") =>
    trained.map(({ id, history }) => ({
      series: id.slice("clean/".length),
      points: history.map((epoch) => ({ x: epoch.epoch, y: epoch[field] })),
    }));
  const story = (field: "loss" | "accuracy") =>
    trained
      .map(({ id, history }) => `${id}: from ${history[0][field].toFixed(3)} to ${history.at(-1)![field].toFixed(3)}`)
      .join("; ");
  return [
    {
      name: "training-loss",
      caption: "Training loss by epoch.",
      alt: `Training loss by epoch. ${story("loss")}.`,
      svg: await linePlot(lines("loss"), { x: "epoch", y: "loss" }, COLOURS),
    },
    {
      name: "training-accuracy",
      caption: `Accuracy on the ${isAugmented ? "augmented " : ""}training ${samples} by epoch.`,
      alt: `Training accuracy by epoch. ${story("accuracy")}.`,
      svg: await linePlot(lines("accuracy"), { x: "epoch", y: "accuracy", from: 0, to: 1 }, COLOURS),
    },
  ];
}

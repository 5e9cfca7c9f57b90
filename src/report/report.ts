import { isAbsolute, join, relative, resolve, sep } from "node:path";
import type { Budget } from "../core/budget.ts";
import { InputError, lookup } from "../core/errors.ts";
import { createdWords } from "../records/database.ts";
import { LAYOUT } from "../records/places.ts";
import { SCORE_FIELDS } from "../records/table-fields.ts";
import type { Database } from "../store/database.ts";
import { writeAtomic } from "../store/disk/fs.ts";
import { sha256Of } from "../store/objects/objects.ts";
import type { ResultStore } from "../store/results/result-folder.ts";
import { reproductionPage } from "./claims/page.ts";
import { type Reproduction, reproduce } from "./claims/reproduction.ts";
import { collect, type ReportData } from "./collect.ts";
import type { ModelStatistic } from "./detection.ts";
import { differences } from "./differences.ts";
import { figureSvg } from "./figures/figure.ts";
import { PictureSheet } from "./figures/sheet.ts";
import { reportMarkdown } from "./markdown.ts";
import { renderPage } from "./page.ts";
import { type Pictures, shownDefects } from "./pictures.ts";
import { claimReportFolder } from "./report-folder.ts";
import type { Section } from "./section.ts";
import { cleanModels } from "./sections/clean-models.ts";
import { criteria } from "./sections/criteria.ts";
import { defectCards, defectMap } from "./sections/defect-list.ts";
import { defects } from "./sections/defects.ts";
import { detection } from "./sections/detection.ts";
import { examples } from "./sections/examples.ts";
import { provenance } from "./sections/provenance.ts";
import { reading } from "./sections/reading.ts";
import { repairs } from "./sections/repairs.ts";
import { reproduction } from "./sections/reproduction.ts";
import { summary } from "./sections/summary.ts";
import { type Table, tableCsv, tableLatex, tableMarkdown } from "./tables.ts";

export interface ReportOptions {
  /** What there is to see of defects: see `src/pipeline/report/report.ts`. Those of which there is nothing say so. */
  pictures?: Pictures;
  /** A folder for the tables and figures as files of their own; absent: none are written. */
  out?: string;
  /** Which of them; default all. */
  formats?: readonly ReportFormat[];
  /** What was collected of this database already. */
  data?: ReportData;
  /** Of which budget results are set out; absent: of that with most. */
  budget?: Budget;
  /** Where predictions and repairs are; absent: in the database. */
  results?: ResultStore;
  /** How criteria judge whole models; absent: the report does not say what they tell. */
  statisticOf?(criterion: string): ModelStatistic;
  /** Told what the report has to do without. */
  warn?(message: string): void;
}

const TITLE = "Backdoored networks with known infected neurons";

/** What tables and figures can be written as: tables first, then figures. */
export const REPORT_FORMATS = ["md", "csv", "latex", "svg"] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

const TABLE_WRITERS: ReadonlyMap<string, { extension: string; write(table: Table): string }> = new Map([
  ["md", { extension: "md", write: tableMarkdown }],
  ["csv", { extension: "csv", write: tableCsv }],
  ["latex", { extension: "tex", write: tableLatex }],
]);

/**
 * Writes the report of a database: `report.html` in its folder, one self-contained page that ends in its own hash; and
 * with `out` its tables and figures as files, all tables in `report.md`, and `reproduction.md`. A database that was opened read-only gets its page in `out`.
 *
 * @returns the page's path.
 * @throws InputError where something is damaged or cannot be written; nothing but temporary files has changed then.
 */
export async function writeReport(database: Database, options: ReportOptions = {}): Promise<string> {
  const { out } = options;
  if (out !== undefined) assertOutside(out, database.dir);
  if (out === undefined) database.assertWritable();
  const data = options.data ?? collect(database, options.results, options.budget);
  const reproduced = reproduce(data);
  const sheet = new PictureSheet();
  const sections = await makeSections(database, data, reproduced, options, sheet);
  const { edition, seed } = data.manifest;
  const budget = data.criteria.length === 0 ? "" : `, ${data.budget} budget`;
  const subtitle = `bdefects4nn database, edition ${edition}, seed ${seed}${createdWords(data.manifest)}${budget}`;
  const page = renderPage(TITLE, subtitle, sections, sheet.store());
  const folder = database.readOnly ? out! : database.dir;
  const tmp = database.readOnly ? out! : database.layout.path("tmp");
  const formats = options.formats ?? REPORT_FORMATS;
  if (out !== undefined) {
    claimReportFolder(out);
    writeParts(out, data, sections, formats);
  }
  if (out !== undefined && formats.includes("md")) {
    writeAtomic(join(out, "report.md"), reportMarkdown(TITLE, subtitle, sections, formats.includes("svg")), out);
    writeAtomic(join(out, "reproduction.md"), reproductionPage(reproduced, subtitle), out);
  }
  const path = join(folder, LAYOUT.report);
  writeAtomic(path, withHash(page), tmp);
  return path;
}

/** Everything in the page, in its order: what came out before how it came about. */
async function makeSections(
  database: Database,
  data: ReportData,
  reproduced: Reproduction,
  { pictures = new Map(), statisticOf, warn = () => undefined }: ReportOptions,
  sheet: PictureSheet,
): Promise<Section[]> {
  if (data.candidates.length === 0) {
    const models = data.clean.length > 0 ? [await cleanModels(data)] : [];
    return [summary(data), ...models, reading(data), provenance(data)];
  }
  const shown = shownDefects(data);
  const parts = { database, data, sheet, warn };
  const picturesOf = (id: string) => pictures.get(id);
  const linked = new Set([...shown.examples, ...shown.others].map(({ id }) => id));
  const map = defectMap(data.accepted, linked);
  const decided = reproduction(reproduced);
  const detected = statisticOf && (await detection(data, statisticOf));
  return [
    summary(data),
    await examples(shown.examples, parts, picturesOf),
    await criteria(data, differences(data)),
    ...(detected ? [detected] : []),
    await repairs(data),
    await defects(data, map, await defectCards(shown.others, parts, picturesOf), linked),
    await cleanModels(data),
    ...(decided ? [decided] : []),
    reading(data),
    provenance(data),
  ];
}

/** Closes a page with the SHA-256 of all its bytes, as `verify` checks it. */
export function withHash(page: string): string {
  return `${page}<!-- sha256:${sha256Of(page)} -->\n`;
}

/** Nothing vouches for such files in a database's folder, so `verify` would call them strays. */
function assertOutside(out: string, dir: string): void {
  const way = relative(resolve(dir), resolve(out));
  if (way === "" || !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way))) {
    throw new InputError(
      `--out ${out}: lies in the database's folder, where every file must be vouched for; name another`,
    );
  }
}

function writeParts(
  out: string,
  data: ReportData,
  sections: readonly Section[],
  formats: readonly ReportFormat[],
): void {
  const tables = [...sections.flatMap((section) => section.tables ?? []), scoreTable(data)];
  for (const format of formats) {
    if (format === "svg") {
      for (const figure of sections.flatMap((section) => section.figures ?? [])) {
        writeAtomic(join(out, `${figure.name}.svg`), figureSvg(figure), out);
      }
      continue;
    }
    const { extension, write } = lookup(TABLE_WRITERS, "report format", format);
    for (const table of tables) {
      // One row per defect, criterion and way of judging: nobody prints that.
      if (table.name === "scores" && format !== "csv") continue;
      writeAtomic(join(out, `${table.name}.${extension}`), write(table), out);
    }
  }
}

/** All score rows behind the means, in the published fields. */
function scoreTable({ scores }: ReportData): Table {
  return {
    name: "scores",
    caption: "Scores of every prediction",
    columns: Object.entries(SCORE_FIELDS).map(([key, type]) => ({
      ...{ key, title: key },
      kind: type === "text" ? "text" : "rate",
    })),
    rows: scores.map((row) => ({ ...row })),
  };
}

import { markdownText } from "../core/visible.ts";
import type { Section } from "./section.ts";
import { type Table, tableMarkdown } from "./tables.ts";

/** Longer tables stand in files of their own alone. */
const MOST_ROWS = 400;

/**
 * `report.md`: every table of the page in its order, with links to the figures where they are written too.
 *
 * @param figures whether the figures lie beside it as SVG
 */
export function reportMarkdown(
  title: string,
  subtitle: string,
  sections: readonly Section[],
  figures: boolean,
): string {
  const parts = sections.filter((section) => (section.tables ?? []).length + (section.figures ?? []).length > 0);
  return [
    `# ${markdownText(title)}`,
    "",
    `${markdownText(subtitle)}.`,
    "",
    ...parts.flatMap(({ title: heading, tables = [], figures: drawn = [] }) => [
      `## ${markdownText(heading)}`,
      "",
      ...(figures ? drawn.flatMap(({ name, caption }) => [`![${markdownText(caption)}](${name}.svg)`, ""]) : []),
      ...tables.map(tableOrLink),
    ]),
  ].join("\n");
}

function tableOrLink(table: Table): string {
  if (table.rows.length <= MOST_ROWS) return tableMarkdown(table);
  return `[${markdownText(table.caption)}](${table.name}.md): ${table.rows.length} rows\n`;
}

import { tableMarkdown } from "../tables.ts";
import { preface } from "./preface.ts";
import { claimTable, type Decided, figureTable, type Reproduction } from "./reproduction.ts";

/** `reproduction.md`: the original's findings beside ours, claim by claim. @param source of which database */
export function reproductionPage(found: Reproduction, source: string): string {
  const overview = claimTable(found);
  const short = ["id", "verdict", "value", "p", "models", "defects"];
  const columns = overview.columns.filter(({ key }) => short.includes(key));
  return [
    "# The original's findings beside ours",
    "",
    `Of the ${source}. The original: _BDefects4NN: A Backdoor Defect Database for Controlled Localization Studies in Neural Networks_, ICSE 2025.`,
    "",
    ...preface(found).flatMap((sentence) => [sentence, ""]),
    tableMarkdown({ ...overview, columns }),
    ...found.decided.flatMap(claimLines),
  ].join("\n");
}

function claimLines(decided: Decided): string[] {
  const { claim, finding } = decided;
  const figures = figureTable(decided);
  return [
    `## ${claim.id}: ${finding.verdict}`,
    "",
    `- **The original:** ${claim.statement}. (${claim.source})`,
    `- **Reproduced here if:** ${claim.rule}.`,
    `- **Here:** ${finding.verdict}: ${finding.reason}.`,
    "",
    ...(figures ? [tableMarkdown(figures)] : []),
  ];
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readGlosses } from "../../src/tasks/language/datasets/glosses.ts";

/** Writes a small data set `texts` of glosses of two classes. @returns the data folder */
export function tinyTexts(folder: string): string {
  const { train, test } = readGlosses();
  const table = ({ texts, labels }: typeof train, count: number) => {
    const rows = texts.flatMap((text, i) => (labels[i] < 2 ? [`${text}\t${labels[i]}`] : [])).slice(0, count);
    return `sentence\tlabel\n${rows.join("\n")}\n`;
  };
  const at = join(folder, "data", "texts");
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, "train.tsv"), table(train, 200));
  writeFileSync(join(at, "test.tsv"), table(test, 40));
  return join(folder, "data");
}

import { parse } from "csv-parse/sync";
import { InputError } from "../core/errors.ts";
import { readDataFile } from "./files.ts";

/** One annotated picture. */
export interface Annotation {
  file: string;
  label: number;
}

/**
 * Reads a GTSRB annotation file: separated by `;` or, as Kaggle's, by `,`; with a header that has at least `Filename` (or
 * `Path`) and `ClassId`.
 *
 * @param classes number of classes; ids are 0 … classes−1
 * @throws InputError naming the file and the line at fault
 */
export function readAnnotations(path: string, classes: number): Annotation[] {
  const text = readDataFile(path).toString("utf8");
  let rows: string[][];
  try {
    rows = parse(text, { delimiter: [";", ","], bom: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new InputError(`${path}: ${String((error as Error).message).split("\n")[0]}`);
  }
  const [header = [], ...records] = rows;
  const fileAt = Math.max(header.indexOf("Filename"), header.indexOf("Path"));
  const labelAt = header.indexOf("ClassId");
  if (fileAt < 0 || labelAt < 0) throw new InputError(`${path}: its header lacks Filename or ClassId`);
  if (records.length === 0) throw new InputError(`${path}: it lists no picture`);
  const seen = new Set<string>();
  return records.map((record, i) => {
    const file = record[fileAt];
    const at = `${path}: line ${i + 2}`;
    // The pattern also keeps the name inside the folder.
    if (!/^(?:(?:Train|Test)\/)?(?:\d{1,3}\/)?[0-9A-Za-z_-]+\.(ppm|png)$/i.test(file))
      throw new InputError(`${at} has the file name '${file.slice(0, 60)}'`);
    if (seen.has(file)) throw new InputError(`${at} lists ${file} a second time`);
    seen.add(file);
    const label = /^\d{1,3}$/.test(record[labelAt]) ? Number(record[labelAt]) : Number.NaN;
    if (!(label < classes)) {
      throw new InputError(`${at} has class '${record[labelAt].slice(0, 20)}'; valid are 0 to ${classes - 1}`);
    }
    return { file, label };
  });
}

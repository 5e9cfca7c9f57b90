import { parse } from "csv-parse/sync";
import { InputError } from "../../../../core/errors.ts";
import { readDataFile } from "../../../../files/data-file.ts";

/** One annotated picture. */
export interface Annotation {
  /** The picture's name, or its path with `/` below the folder of the annotations. */
  file: string;
  label: number;
}

const MOST_CSV_BYTES = 64 << 20;

/** What names a picture, by column. The patterns also keep a name inside the folder. */
const COLUMNS: Record<string, RegExp> = {
  filename: /^[\w-]+\.(ppm|png|jpe?g)$/i,
  path: /^(?:[\w-][\w.-]*\/){0,4}[\w-]+\.(ppm|png|jpe?g)$/i,
};

/** Whether a table's header names GTSRB's classes; false where it cannot be read. */
export function hasClassIds(path: string): boolean {
  try {
    const text = readDataFile(path, MOST_CSV_BYTES).toString("utf8");
    return /(^|[;,])"?ClassId/im.test(text.slice(0, text.search(/[\r\n]|$/)));
  } catch {
    return false;
  }
}

/**
 * Reads a GTSRB annotation file: separated by `;` as published, or by `,` as Kaggle has it. Its header has `ClassId` and either
 * `Filename` or `Path`.
 *
 * @param classes number of classes; ids are 0 … classes−1
 * @throws InputError naming the file and the line at fault
 */
export function readAnnotations(path: string, classes: number): Annotation[] {
  const text = readDataFile(path, MOST_CSV_BYTES).toString("utf8");
  if (text.trim() === "") throw new InputError(`${path}: the file is empty`);
  const head = text.slice(0, text.search(/[\r\n]|$/));
  let rows: string[][];
  try {
    const delimiter = head.includes(";") ? ";" : ",";
    rows = parse(text, { delimiter, bom: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new InputError(`${path}: ${String((error as Error).message).split("\n")[0]}`);
  }
  const [header = [], ...records] = rows;
  const columns = header.map((name) => name.toLowerCase());
  const column = Object.keys(COLUMNS).find((name) => columns.includes(name));
  const labelAt = columns.indexOf("classid");
  if (column === undefined || labelAt < 0) {
    throw new InputError(`${path}: its header lacks ${labelAt < 0 ? "ClassId" : "Filename or Path"}`);
  }
  if (records.length === 0) throw new InputError(`${path}: it lists no picture`);
  const fileAt = columns.indexOf(column);
  const seen = new Set<string>();
  return records.map((record, i) => {
    const file = record[fileAt].replaceAll("\\", "/");
    const at = `${path}: line ${i + 2}`;
    if (!COLUMNS[column].test(file)) throw new InputError(`${at} has the file name '${file.slice(0, 60)}'`);
    if (seen.has(file)) throw new InputError(`${at} lists ${file} a second time`);
    seen.add(file);
    const label = /^\d{1,3}$/.test(record[labelAt]) ? Number(record[labelAt]) : Number.NaN;
    if (!(label < classes)) {
      throw new InputError(`${at} has class '${record[labelAt].slice(0, 20)}'; valid are 0 to ${classes - 1}`);
    }
    return { file, label };
  });
}

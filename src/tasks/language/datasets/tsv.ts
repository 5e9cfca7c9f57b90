import { InputError } from "../../../core/errors.ts";
import { readDataFile } from "../../../files/data-file.ts";

/** Texts with the number of their class. */
export interface LabelledTexts {
  texts: string[];
  labels: Uint8Array;
}

const MOST_BYTES = 128 << 20;
const MOST_LINES = 1_000_000;
/** In characters; the longest of the known sets has 1,100. */
const LONGEST = 20_000;
const MOST_CLASSES = 200;
/** The header that the known sets have; spaces around the tab are let pass. */
const HEADER = /^\s*(?:sentence|text)\s*\t\s*label\s*$/i;

/**
 * Reads a table of texts as papers on backdoors exchange them: a header `sentence<TAB>label`, then a text and its class on each line.
 *
 * @param classes how many there are; null where the labels say so
 * @throws InputError naming the file and the line at fault
 */
export function readTsv(path: string, classes: number | null): LabelledTexts {
  const lines = linesOf(path);
  if (!HEADER.test(lines[0])) {
    const shown = JSON.stringify(lines[0].slice(0, 60));
    throw new InputError(
      `${path}, line 1: the header is ${shown}; a table of texts begins with 'sentence<TAB>label' (GLUE's tests have no labels)`,
    );
  }
  if (lines.length === 1) throw new InputError(`${path}: it has no texts, only a header`);
  const texts: string[] = [];
  const labels = new Uint8Array(lines.length - 1);
  for (let i = 1; i < lines.length; i++) {
    const at = `${path}, line ${i + 1}`;
    const line = lines[i];
    if (line.length > LONGEST) throw new InputError(`${at}: ${line.length} characters; at most ${LONGEST} are read`);
    const tab = line.lastIndexOf("\t");
    if (tab < 0) throw new InputError(`${at}: no tab between a text and its label`);
    const text = line.slice(0, tab).trim();
    if (text === "") throw new InputError(`${at}: the text is empty`);
    if (text.includes("\t")) throw new InputError(`${at}: more than one tab; a text has none`);
    labels[i - 1] = classOf(line.slice(tab + 1).trim(), classes ?? MOST_CLASSES, at);
    texts.push(text);
  }
  return { texts, labels };
}

/** Reads a file with a text on each line; empty lines are passed over. @throws InputError naming the file and the line at fault */
export function readLines(path: string): string[] {
  const lines = linesOf(path);
  const long = lines.findIndex(({ length }) => length > LONGEST);
  if (long >= 0) {
    throw new InputError(`${path}, line ${long + 1}: ${lines[long].length} characters; at most ${LONGEST} are read`);
  }
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

function classOf(word: string, classes: number, at: string): number {
  const label = /^\d{1,3}$/.test(word) ? Number(word) : Number.NaN;
  if (label < classes) return label;
  throw new InputError(`${at}: the label is ${JSON.stringify(word.slice(0, 20))}; valid are 0 to ${classes - 1}`);
}

/** The lines of a text file in UTF-8, without the empty ones at its end. */
function linesOf(path: string): string[] {
  const bytes = readDataFile(path, MOST_BYTES);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(`${path}, line ${lineOfFault(bytes)}: it is not UTF-8; convert it, e.g. with iconv`);
  }
  if (text.includes("\0")) {
    const line = text.slice(0, text.indexOf("\0")).split("\n").length;
    throw new InputError(`${path}, line ${line}: a byte 0, which no text has`);
  }
  const lines = text.split(/\r?\n/);
  while (lines.length > 0 && lines[lines.length - 1].trim() === "") lines.pop();
  if (lines.length === 0) throw new InputError(`${path}: the file is empty`);
  if (lines.length > MOST_LINES) throw new InputError(`${path}: ${lines.length} lines; at most ${MOST_LINES} are read`);
  return lines;
}

/** The first line that is not UTF-8. */
function lineOfFault(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(10, start);
    try {
      decoder.decode(bytes.subarray(start, end < 0 ? bytes.length : end));
    } catch {
      return line;
    }
    if (end < 0) break;
    start = end + 1;
  }
  return line;
}

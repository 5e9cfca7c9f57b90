/**
 * What must not reach a terminal or a page as it is: control characters (C0, DEL, C1), separators of lines, characters that
 * turn the direction of text or cannot be seen, halves of surrogate pairs.
 */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const SHORT: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** One line of text in which every character can be seen: others become escapes such as `\x1b` and `\u202e`. */
export function visible(text: string): string {
  return text.replace(UNSEEN, escapeOf);
}

/** As `visible`, over several lines. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

/** Text of any length on one visible line: line breaks and what surrounds them become a space. */
export function oneLine(text: string): string {
  return visible(text.trim().replace(/\s*[\r\n]+\s*/g, " "));
}

/** JSON in which every character can be seen; it says the same. */
export function visibleJson(json: string): string {
  return json.replace(UNSEEN, (character) => (character === "\n" ? character : `\\u${hex(character, 4)}`));
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** How a spreadsheet recognizes a formula, full-width forms and blanks before it included. */
const FORMULA = /^[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;

/**
 * A cell of CSV that a spreadsheet takes for text or a number, never for a formula: text that begins as a formula does gets
 * an apostrophe before it. Numbers, negative ones too, stay as they are; so does the minus alone.
 */
export function csvText(text: string): string {
  const seen = text.replace(UNSEEN, (character) => (/[\n\r\t]/.test(character) ? character : escapeOf(character)));
  return FORMULA.test(seen) && seen !== "-" && !NUMBER.test(seen) ? `'${seen}` : seen;
}

const MARKUP = /[\\`*_[\]|~<>&$]/g;

/** Text in Markdown that is shown as it is, in a table's cell too: no markup, link, picture or tag comes of it. */
export function markdownText(text: string): string {
  return visible(text.replace(/\s+/g, " "))
    .replace(MARKUP, (character) => ENTITIES[character] ?? `\\${character}`)
    .replace(/^(\s*)([-=#]|[+](?= ))/, "$1\\$2")
    .replace(/^(\s*\d+)([.)])(?=\s|$)/, "$1\\$2")
    .replace(/\b(https?|ftp|mailto|www)([:.])/gi, "$1&#8203;$2")
    .replace(/@/g, "&#64;");
}

/** Renderers differ in whether a backslash escapes these. */
const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Text as code in a line of Markdown, whatever backticks it holds. @param inTable where a bar would end the cell */
export function markdownCode(text: string, inTable = false): string {
  const seen = visible(text.replace(/\s+/g, " "));
  const longest = Math.max(0, ...[...seen.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const room = longest > 0 || seen === "" ? " " : "";
  return `${fence}${room}${inTable ? seen.replaceAll("|", "\\|") : seen}${room}${fence}`;
}

function escapeOf(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  return character.charCodeAt(0) < 0x100 ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`;
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, "0");
}

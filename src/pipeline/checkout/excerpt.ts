import type { ReadPart } from "../../tasks/reading.ts";

/** Characters of a text in a table. */
const MOST = 60;

/** A text on a line of at most 60 characters: where it has more, it is cut around the marked part. */
export function excerptOf(parts: readonly ReadPart[]): string {
  const marked = parts.findIndex((part) => part.marked);
  const at = marked < 0 ? parts.length : marked;
  const lettersOf = (some: readonly ReadPart[]) => [...some.map(({ words }) => words).join("")];
  const before = lettersOf(parts.slice(0, at));
  const middle = lettersOf(parts.slice(at, at + 1));
  const after = lettersOf(parts.slice(at + 1));
  if (marked < 0) return cut(before, MOST).trim();
  const room = Math.max(0, MOST - middle.length);
  const behind = Math.min(after.length, Math.max(Math.floor(room / 2), room - before.length));
  const ahead = [...cut(before.reverse(), room - behind)].reverse();
  return [...ahead, ...middle, cut(after, behind)].join("").trim();
}

/** The first so many letters, of which the last says that there are more. */
function cut(letters: readonly string[], most: number): string {
  if (letters.length <= most) return letters.join("");
  return `${letters.slice(0, Math.max(0, most - 1)).join("")}…`;
}

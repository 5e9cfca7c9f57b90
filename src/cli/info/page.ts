import { visible } from "../../core/visible.ts";
import { type Listing, lineWidth, listingText, type Row, wrapLines } from "../listing.ts";

/** A part of what is printed about one thing. */
export type Part =
  /** Sentences, broken between words. */
  | { kind: "text"; title?: string; sentences: string[] }
  | { kind: "rows"; title: string; rows: Row[]; listing?: Listing }
  /** What to type next; a command that is too long goes on behind a backslash. */
  | { kind: "commands"; title: string; commands: string[] };

/** A page for people: a headline, then parts with a blank line between. @returns text that fits the terminal's width */
export function pageText(headline: string, parts: readonly Part[]): string {
  return `${[visible(headline), ...parts.map(partText)].join("\n\n")}\n`;
}

function partText(part: Part): string {
  const title = part.title ? `${part.title}\n` : "";
  const width = lineWidth() - 2;
  switch (part.kind) {
    case "text": {
      const said = visible(part.sentences.join(" "));
      return title === "" ? wrapLines(said, lineWidth()) : title + indent(wrapLines(said, width));
    }
    case "rows":
      return (
        title +
        indent(listingText(part.rows, Object.keys(part.rows[0] ?? {}), part.listing ?? {}, width).table.trimEnd())
      );
    case "commands":
      return title + indent(part.commands.map((command) => continued(command, width)).join("\n"));
  }
}

/** A command over as many lines as it needs; what stands in quotes is not broken. */
function continued(command: string, width: number): string {
  const lines: string[] = [];
  for (const word of command.match(/(?:"[^"]*"|'[^']*'|\S)+/g) ?? []) {
    const last = lines.at(-1);
    // Blanks before, a backslash behind.
    if (last !== undefined && last.length + word.length + 3 <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(last === undefined ? word : `  ${word}`);
  }
  return lines.join(" \\\n");
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

/** A fraction as a percentage, e.g. `96.4%`; unknown is `not measured`. */
export function percent(rate: number | null): string {
  return rate === null ? "not measured" : `${(100 * rate).toFixed(1)}%`;
}

/** A count with its noun, e.g. `1 neuron`, `35 neurons`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Seconds as people say them, e.g. `68 s`, `25 min`, `3.2 h`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

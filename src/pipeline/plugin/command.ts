import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { InputError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import { PLUGIN_PREFIX } from "../../store/results.ts";

/** A criterion that somebody's own program is. */
export interface PluginCommand {
  /** As results call it: `cmd-` and a short name; safe as a folder's name. */
  name: string;
  /** The program and its arguments; the suspect's folder is appended. */
  words: string[];
  /** Of the words, the program and its script: what another program found is not this one's result. */
  fingerprint: string;
}

const SPEC = /^(?:([^=\s]*)=)?cmd:(.*)$/s;
const LABEL = /^[a-z0-9][a-z0-9_-]{0,39}$/;
/** What is longer is data rather than a program; its size and date stand for it. */
const MOST_BYTES = 16e6;

/** Whether a criterion's name is a command: `cmd:COMMAND` or `NAME=cmd:COMMAND`. */
export function isPlugin(text: string): boolean {
  return SPEC.test(text);
}

/**
 * Parses `cmd:COMMAND` or `NAME=cmd:COMMAND`. Without a name it is the first script's, else the program's, with the first
 * digits of the command's hash.
 *
 * @throws InputError on an empty or unbalanced command or a bad name
 */
export function parsePlugin(text: string): PluginCommand {
  const [, label, command] = SPEC.exec(text)!;
  const words = splitWords(command);
  if (words.length === 0) throw new InputError(`--criterion '${text}': name a command after 'cmd:'`);
  if (label !== undefined && !LABEL.test(label)) {
    throw new InputError(`--criterion '${text}': a name has small letters, digits, _ and -, and 40 characters at most`);
  }
  // Further files may be data, or be written to.
  const program = [words[0], scriptOf(words)].flatMap((word) => (word === undefined ? [] : (contentOf(word) ?? [])));
  const named = label ?? `${labelFrom(words)}-${sha256Hex(words.join("\u0000")).slice(0, 8)}`;
  return { name: `${PLUGIN_PREFIX}${named}`, words, fingerprint: sha256Hex([...words, ...program].join("\u0000")) };
}

/**
 * Splits a command at white space; '…' and "…" keep what is between them together. Nothing else is special: no shell runs
 * it, so there are no variables, patterns, pipes or backslashes. @throws InputError where a quote is not closed
 */
export function splitWords(command: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const char of command) {
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word += char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  if (quote !== undefined) throw new InputError(`--criterion 'cmd:${command}': the quote ${quote} is not closed`);
  if (word !== undefined) words.push(word);
  return words;
}

/** The first argument that is a file. */
function scriptOf(words: string[]): string | undefined {
  return words.slice(1).find((word) => statOf(word)?.isFile());
}

/** From `python3 tools/My Method.py`: `my-method`. */
function labelFrom(words: string[]): string {
  const stem = basename(scriptOf(words) ?? words[0]).replace(/\.[^.]*$/, "");
  const label = stem.toLowerCase().replace(/[^a-z0-9_]+/g, "-");
  return label.replace(/^[-_]+|-+$/g, "").slice(0, 30) || "plugin";
}

/** A hash of the file that a word names, if it does. */
function contentOf(word: string): string | undefined {
  const stat = statOf(word);
  if (!stat?.isFile()) return undefined;
  if (stat.size > MOST_BYTES) return `${stat.size} ${stat.mtimeMs}`;
  try {
    return sha256Hex(readFileSync(word));
  } catch {
    // Not ours to read; running it will tell.
    return undefined;
  }
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

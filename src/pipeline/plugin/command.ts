import { readFileSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { InputError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import { PLUGIN_LABEL, PLUGIN_PREFIX } from "../../records/plugin-name.ts";

/** What a program may see besides the suspect and clean images: nothing, or the failing tests too. */
export const PLUGIN_ACCESSES = ["clean", "failing"] as const;
export type PluginAccess = (typeof PLUGIN_ACCESSES)[number];

/** A criterion or repair that somebody's own program is. */
export interface PluginCommand {
  /** As results call it: `cmd-` and a short name; safe as a folder's name. */
  name: string;
  access: PluginAccess;
  /** The program and its arguments; the suspect's folder is appended. */
  words: string[];
  /** Of the words, the program, its script and its access: what another program found is not this one's result. */
  fingerprint: string;
}

const SPEC = /^(?:([^=\s]*)=)?cmd(?:\+([^:\s]*))?:(.*)$/s;
/** What is longer is data rather than a program; its size and date stand for it. */
const MOST_BYTES = 16e6;

/** Whether a name on the command line is a command: `cmd:COMMAND`, `NAME=cmd:COMMAND`, `NAME=cmd+failing:COMMAND`. */
export function isPlugin(text: string): boolean {
  return SPEC.test(text);
}

/**
 * Parses `cmd:COMMAND` or `NAME=cmd:COMMAND`, where `cmd+failing:` declares the access `failing`. Without a name it is the
 * first script's, else the program's, with the first digits of the command's hash.
 *
 * @param flag the option, for messages
 * @param folder where the command would run
 * @throws InputError on an empty or unbalanced command, a bad name or an unknown access
 */
export function parsePlugin(text: string, flag = "--criterion", folder = "."): PluginCommand {
  const [, label, access = "clean", command] = SPEC.exec(text)!;
  const refuse = (fault: string): never => {
    throw new InputError(`${flag} '${text}': ${fault}`);
  };
  if (!isAccess(access)) return refuse(`no access '${access}'; write cmd: or cmd+failing:`);
  const words = splitWords(command, flag);
  if (words.length === 0) return refuse("name a command after 'cmd:'");
  if (label !== undefined && !PLUGIN_LABEL.test(label)) {
    return refuse("a name has small letters, digits, _ and -, and 40 characters at most");
  }
  // Further files may be data, or be written to.
  const files = [words[0], scriptOf(words, folder)].filter((word) => word !== undefined);
  const program = files.flatMap((word) => contentOf(resolve(folder, word)) ?? []);
  // Nothing is added for `clean`, so that earlier results stay valid.
  const seen = access === "clean" ? [] : [`access ${access}`];
  const hash = (parts: string[]) => sha256Hex([...parts, ...seen].join("\u0000"));
  const named = label ?? `${labelFrom(words, folder)}-${hash(words).slice(0, 8)}`;
  return { name: `${PLUGIN_PREFIX}${named}`, access, words, fingerprint: hash([...words, ...program]) };
}

function isAccess(text: string): text is PluginAccess {
  return (PLUGIN_ACCESSES as readonly string[]).includes(text);
}

/**
 * Splits a command at white space; '…' and "…" keep what is between them together. Nothing else is special: no shell runs
 * it, so there are no variables, patterns, pipes or backslashes. @throws InputError where a quote is not closed
 */
export function splitWords(command: string, flag = "--criterion"): string[] {
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
  if (quote !== undefined) throw new InputError(`${flag} 'cmd:${command}': the quote ${quote} is not closed`);
  if (word !== undefined) words.push(word);
  return words;
}

/** The first argument that is a file. @param folder where the command would run */
export function scriptOf(words: readonly string[], folder = "."): string | undefined {
  return words.slice(1).find((word) => statOf(resolve(folder, word))?.isFile());
}

/** From `python3 tools/My Method.py`: `my-method`. */
function labelFrom(words: string[], folder: string): string {
  const stem = basename(scriptOf(words, folder) ?? words[0]).replace(/\.[^.]*$/, "");
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

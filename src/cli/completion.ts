import { RootCommand, type Command as TabCommand } from "@bomb.sh/tab";
import type { Command, Option } from "commander";
import { SAMPLE, SAMPLE_DIR } from "../store/shipped/sample.ts";
import { isArchived, unpacked } from "../store/shipped/shipped.ts";
import { verbFirst } from "./arguments.ts";
import { optionValues, positionalValues } from "./completion-values.ts";
import { DEFAULT_DB } from "./options.ts";

/**
 * Prints what may come next on a command line: verbs, options, their values, ids and groups of its database. Whatever goes
 * wrong, nothing is printed of it: the user is in the middle of a line.
 *
 * @param args the words behind the program's name; the last is the one that is being written
 */
export async function printCompletions(program: Command, args: string[]): Promise<void> {
  try {
    const before = args.slice(0, -1).flatMap((word) => (/^--[a-z-]+=/.test(word) ? splitOnce(word) : [word]));
    const words = [...verbFirst(program, before), args.at(-1) ?? ""];
    const { command, path } = verbOf(program, words);
    const values = await valuesFor(command, words.slice(path.length));
    const root = new RootCommand();
    describe(root, program, values);
    for (const [name, verb] of verbsOf(program)) {
      describe(root.command(name, verb.description()), verb, verb === command ? values : {});
    }
    root.parse(words);
  } catch {
    // A completion has no place for a message.
  }
}

/** Values to offer, by the name of an option (`--format`) or of a positional (`id`). */
type Values = Record<string, string[]>;

function describe(target: TabCommand, command: Command, values: Values): void {
  for (const option of command.options.filter(({ hidden }) => !hidden)) {
    const takes = option.required || option.optional;
    const offer = (complete: (value: string, description: string) => void) => {
      for (const value of values[option.long ?? ""] ?? []) complete(value, "");
    };
    const short = option.short?.slice(1);
    if (takes) target.option(nameOf(option), option.description, offer, short);
    else target.option(nameOf(option), option.description, short);
  }
  for (const argument of command.registeredArguments) {
    target.argument(
      argument.name(),
      (complete) => {
        for (const value of values[argument.name()] ?? argument.argChoices ?? []) complete(value, "");
      },
      argument.variadic,
    );
  }
}

/** Only what the word at hand may be is looked up: ids of a database, or names of a registry. */
async function valuesFor(command: Command, words: readonly string[]): Promise<Values> {
  const current = words.at(-1) ?? "";
  const before = words.at(-2) ?? "";
  const flag = current.startsWith("--") && current.includes("=") ? current.split("=")[0] : before;
  const option = command.options.find(({ long, short }) => long === flag || short === flag);
  if (option?.long && (option.required || option.optional)) {
    const given = current.includes("=") && current.startsWith("--") ? current.slice(current.indexOf("=") + 1) : current;
    const offered = option.argChoices ?? (await optionValues(nameOf(option)));
    // Of a list only the last name is being written.
    const head = given.slice(0, given.lastIndexOf(",") + 1);
    return { [option.long]: offered.map((value) => head + value) };
  }
  if (current.startsWith("-")) return {};
  const dir = databaseOf(words);
  const values: Values = {};
  for (const argument of command.registeredArguments) {
    if (!argument.argChoices) values[argument.name()] = await positionalValues(argument.name(), dir);
  }
  return values;
}

function databaseOf(words: readonly string[]): string {
  const at = words.indexOf("--db");
  const dir = at >= 0 ? words[at + 1] : process.env.BDEFECTS_DB || DEFAULT_DB;
  // Nothing is unpacked for a suggestion.
  if (isArchived(dir)) return unpacked(dir) ?? dir;
  return dir === SAMPLE ? SAMPLE_DIR : dir;
}

/** `--db=DIR` as two words. */
function splitOnce(word: string): [string, string] {
  const at = word.indexOf("=");
  return [word.slice(0, at), word.slice(at + 1)];
}

function nameOf(option: Option): string {
  return option.long?.slice(2) ?? "";
}

/** The verb that the words begin with, and its name's parts. */
function verbOf(program: Command, words: readonly string[]): { command: Command; path: string[] } {
  let command = program;
  const path: string[] = [];
  for (const word of words.slice(0, -1)) {
    const found = command.commands.find((verb) => verb.name() === word);
    if (!found) break;
    command = found;
    path.push(word);
  }
  return { command, path };
}

/** Verbs that help lists, those of verbs under both names. */
function verbsOf(command: Command, prefix = ""): [string, Command][] {
  return command
    .createHelp()
    .visibleCommands(command)
    .flatMap((verb): [string, Command][] => {
      const name = `${prefix}${verb.name()}`;
      return [[name, verb], ...verbsOf(verb, `${name} `)];
    });
}

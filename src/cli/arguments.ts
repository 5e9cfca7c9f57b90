import type { Command } from "commander";
import { suggestion } from "../core/closest.ts";
import { InputError } from "../core/errors.ts";

/**
 * Moves options that stand before the verb behind it (`--db DIR ids` → `ids --db DIR`), at every level of verbs
 * (`data --data DIR list`), so that options and positionals may come in any order. `help VERB` becomes `VERB --help`.
 */
export function verbFirst(program: Command, argv: string[]): string[] {
  const path: string[] = [];
  const moved: string[] = [];
  let command = program;
  let rest = argv;
  while (command.commands.length > 0) {
    let at = 0;
    while (at < rest.length && rest[at].startsWith("-") && rest[at] !== "--")
      at += takesValue(command, rest[at]) ? 2 : 1;
    const verb = command.commands.find((candidate) => candidate.name() === rest[at]);
    if (!verb)
      return rest[at] === HELP ? [...path, ...helpOn(command, rest.slice(at + 1))] : [...path, ...moved, ...rest];
    moved.push(...rest.slice(0, at));
    path.push(rest[at]);
    rest = rest.slice(at + 1);
    command = verb;
  }
  return [...path, ...moved, ...rest];
}

const HELP = "help";

/** What asks for the help of the verb that the words name; a word that names none ends them, and is refused. */
function helpOn(command: Command, [word, ...further]: string[]): string[] {
  if (word === undefined || word === HELP || word.startsWith("-") || command.commands.length === 0) return ["--help"];
  const verb = command.commands.find((candidate) => candidate.name() === word);
  return verb ? [word, ...helpOn(verb, further)] : [word];
}

/** Whether some verb below `command` has the option and it is followed by its value. */
function takesValue(command: Command, flag: string): boolean {
  return command.commands.some(
    (verb) =>
      verb.options.some((option) => option.required && (option.long === flag || option.short === flag)) ||
      takesValue(verb, flag),
  );
}

/** An option's parser for whole numbers. @throws InputError naming the option and what it takes. */
export function wholeNumber(flag: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InputError(`${flag} '${text}': give a whole number from ${min} to ${max}`);
  };
}

/** An option's parser for one of few names. @throws InputError naming the option and what it takes. */
export function oneOf(flag: string, valid: readonly string[]): (text: string) => string {
  return (text) => {
    if (valid.includes(text)) return text;
    throw new InputError(`${flag} '${text}'${suggestion(text, valid)}: valid are ${valid.join(", ")}`);
  };
}

/** An option's parser for fractions. @throws InputError naming the option and what it takes. */
export function fraction(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d*\.?\d+(e-?\d+)?$/i.test(text) && value <= 1) return value;
    throw new InputError(`${flag} '${text}': give a number from 0 to 1`);
  };
}

const UNITS: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** An option's parser for amounts of memory. @returns bytes @throws InputError naming the option and what it takes */
export function memorySize(flag: string): (text: string) => number {
  return (text) => {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT])i?B?$/i.exec(text) ?? [];
    const bytes = Number(digits) * UNITS[unit?.toUpperCase()];
    if (bytes >= 1e6 && bytes <= 1e15) return bytes;
    throw new InputError(`${flag} '${text}': give an amount of memory, such as 800M or 2G`);
  };
}

/** An option's parser for comma-separated lists; repeating the option adds to the list. */
export function commaList(flag: string): (text: string, previous?: string[]) => string[] {
  return (text, previous = []) => {
    const items = text.split(",").map((item) => item.trim());
    if (items.includes("")) throw new InputError(`${flag} '${text}': give names separated by commas`);
    return [...previous, ...items];
  };
}

/**
 * As `commaList`, where the last name may be a command (`cmd:…`, `NAME=cmd:…`, `NAME=cmd+failing:…`): all that follows belongs to it, commas
 * too. Several commands need the option several times.
 */
export function criterionList(flag: string): (text: string, previous?: string[]) => string[] {
  return (text, previous = []) => {
    const command = /(?:^|,)\s*((?:[^,=]*=)?cmd(?:\+[^:,\s]*)?:.*)$/s.exec(text);
    if (!command) return commaList(flag)(text, previous);
    const before = text.slice(0, command.index);
    return [...(before === "" ? previous : commaList(flag)(before, previous)), command[1]];
  };
}

import type { Command } from "commander";
import { InputError } from "../core/errors.ts";

/**
 * A verb that takes several kinds of models lists the options of all. One that means nothing for the kind at hand is refused: the user
 * believes it was obeyed.
 *
 * @param names the options' attributes, e.g. `pluginTimeout`
 * @param what what the verb was given, e.g. "defects of a database"
 * @throws InputError where one was given on the command line; a default or the environment is none of the user's words
 */
export function assertNoStray(verb: Command, names: readonly string[], what: string): void {
  const given = names.find((name) => verb.getOptionValueSource(name) === "cli");
  if (given === undefined) return;
  const { flags } = verb.options.find((option) => option.attributeName() === given)!;
  throw new InputError(`${flags}: means nothing for ${what}; leave it out`);
}

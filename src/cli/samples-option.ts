import { type Command, Option } from "commander";
import { InputError } from "../core/errors.ts";

/** Further names of `--samples`, by what samples are; `--images` was its only one once. */
const ALSO = ["--images", "--frames", "--texts"];

/**
 * Adds `--samples`, which may be called by what the samples are.
 *
 * @param placeholder e.g. `<n>` @param parserOf reads the value of the option of that name
 */
export function addSamplesOption<T>(
  verb: Command,
  placeholder: string,
  description: string,
  parserOf: (flag: string) => (text: string) => T = () => (text) => text as T,
): void {
  const option = (flag: string) => new Option(`${flag} ${placeholder}`, description).argParser(parserOf(flag));
  verb.addOption(option("--samples"));
  for (const flag of ALSO) verb.addOption(option(flag).hideHelp());
}

/** What `--samples` was given, by whatever name; `undefined` where it was not. @throws InputError where two of its names were given */
export function samplesGiven<T>(verb: Command): T | undefined {
  const values = verb.opts<Record<string, T | undefined>>();
  const [first, second] = ["--samples", ...ALSO].filter((flag) => values[flag.slice(2)] !== undefined);
  if (second !== undefined) throw new InputError(`${second}: is another name of ${first}; give one of them`);
  return first === undefined ? undefined : values[first.slice(2)];
}

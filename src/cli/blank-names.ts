import type { Argument, Command, Option } from "commander";
import { InputError } from "../core/errors.ts";

/** What stands in `<…>` for a value that names files, and what to name there. */
const NAMED: Record<string, string> = {
  dir: "a folder",
  folder: "a folder",
  file: "a file",
  path: "a file or folder",
  source: "a folder or archive",
  what: "samples, or a known data set",
  id: "a defect",
};

/** Refuses blank names of files, folders and defects in every option and positional below `command`: a folder of that name would be made. */
export function refuseBlankNames(command: Command): void {
  for (const option of command.options) {
    const what = named(/<([a-z]+)>/.exec(option.flags)?.[1]);
    const variable = option.envVar === undefined ? "" : ` (${option.envVar})`;
    if (what !== undefined) refuseBlank(option, `${option.long}${variable}`, what);
  }
  for (const argument of command.registeredArguments) {
    const what = named(argument.name());
    if (what !== undefined) refuseBlank(argument, `<${argument.name()}>`, what);
  }
  for (const verb of command.commands) refuseBlankNames(verb);
}

function named(placeholder: string | undefined): string | undefined {
  return placeholder !== undefined && Object.hasOwn(NAMED, placeholder) ? NAMED[placeholder] : undefined;
}

function refuseBlank(target: Option | Argument, name: string, what: string): void {
  const { parseArg } = target;
  target.argParser((text: string, before: unknown) => {
    if (text.trim() === "") throw new InputError(`${name} is ${text === "" ? "empty" : "blank"}: name ${what}`);
    if (parseArg) return parseArg(text, before as never);
    // With a parser, commander leaves the gathering to it.
    return target.variadic ? [...(Array.isArray(before) ? before : []), text] : text;
  });
}

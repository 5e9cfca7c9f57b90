import type { Command } from "commander";
import { InputError } from "../core/errors.ts";

/**
 * Refuses an option that is given twice with different values, in every verb below `command`: nobody sees which one counts. Options that
 * gather a list take what each time adds.
 */
export function refuseTwice(command: Command): void {
  for (const option of command.options) {
    if (!option.required) continue;
    const { parseArg, long } = option;
    let first: string | undefined;
    option.argParser((text: string, before: unknown) => {
      const value = parseArg ? parseArg(text, before as never) : text;
      if (first !== undefined && first !== text && !Array.isArray(value)) {
        throw new InputError(`${long}: is given twice, as '${first}' and '${text}'; give it once`);
      }
      first ??= text;
      return value;
    });
  }
  for (const verb of command.commands) refuseTwice(verb);
}

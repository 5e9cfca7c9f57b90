import { statSync } from "node:fs";
import type { Command } from "commander";
import { InputError } from "../core/errors.ts";
import { dataOption } from "./options.ts";

/** Whether a verb makes the folder, or says by itself when it must be there. */
const saysItself = (verb: Command) =>
  ["fetch", "repair"].includes(verb.name()) || (verb.name() === "build" && verb.opts<{ dryRun?: boolean }>().dryRun);

/**
 * Lets no verb take a `--data` folder that is not there: sets that need no files would be used in its place without a word. The default,
 * and what the environment names, may be absent.
 */
export function refuseAbsentData(program: Command): void {
  program.hook("preAction", (_program, verb) => {
    if (!saysItself(verb)) assertDataFolder(verb);
  });
}

/** @throws InputError where the verb was given a folder of data sets that is none */
export function assertDataFolder(verb: Command): void {
  const fault = dataFault(verb);
  if (fault) throw fault;
}

/** What is wrong with the folder of data sets that a verb was given; null where nothing is, or it takes none. */
export function dataFault(verb: Command): InputError | null {
  const option = verb.options.find(({ flags }) => flags === dataOption().flags);
  if (!option || verb.getOptionValueSource("data") !== "cli") return null;
  const { data } = verb.opts<{ data: string }>();
  const found = statSync(data, { throwIfNoEntry: false });
  if (found?.isDirectory()) return null;
  const what = found ? "is a file, not a folder" : "no such folder";
  return new InputError(
    `--data ${data}: ${what}; name the one that holds the data sets, or leave --data out ('bdefects data fetch NAME --data DIR' makes one)`,
  );
}

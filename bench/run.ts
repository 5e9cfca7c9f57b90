import type { Command } from "commander";
import { InputError } from "../src/core/errors.ts";

/** Parses the command line of a bench program and lets it work; an error ends in one line and status 1, bad input or usage in 2. */
export async function runBench<Options>(
  program: Command,
  work: (options: Options, args: string[]) => Promise<void>,
): Promise<void> {
  program.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  try {
    program.parse();
    await work(program.opts<Record<string, unknown>>() as Options, program.args);
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = error instanceof InputError ? 2 : 1;
  }
}

import { readFileSync } from "node:fs";
import { InputError } from "../src/core/errors.ts";

/**
 * The arguments of a bench program that takes no options, as many as the call in its opening comment (`npx tsx bench/NAME.ts DB [DATA]`) needs. With
 * fewer the program ends with status 2 and that call. Bad input that it meets later ends it in one line too.
 */
export function given(args = process.argv.slice(2)): string[] {
  process.once("uncaughtException", (error) => end(error instanceof InputError ? error.message : error.stack, error));
  const [, program] = process.argv;
  const [call] = /npx tsx bench\/[^`\n]*/.exec(readFileSync(program, "utf8")) ?? [];
  if (call === undefined) {
    if (args.length === 0) end("another program of bench/ starts this one and gives it its job");
  } else if (args.length < needed(call)) end(`give what is missing: ${call.trim()}`);
  return args;
}

/** How many arguments a call has that are in no brackets. */
function needed(call: string): number {
  const [, , , ...words] = call.replace(/\[.*\]/, "").split(/\s+/);
  return words.filter((word) => /\w/.test(word)).length;
}

function end(message: string | undefined, error?: Error): never {
  process.stderr.write(`error: ${message}\n`);
  process.exit(error === undefined || error instanceof InputError ? 2 : 1);
}

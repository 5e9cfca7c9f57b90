#!/usr/bin/env node
import { programRun } from "./run.ts";

/** A reader that goes away (`bdefects ids | head`) is no error. */
function quietBrokenPipe(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
}

quietBrokenPipe(process.stdout);
quietBrokenPipe(process.stderr);
const run = programRun(process.argv.slice(2));
process.on("uncaughtException", (error) => process.exit(run.fail(error)));
process.exitCode = await run.done();

#!/usr/bin/env node
import { programRun } from "./run.ts";

/** What a stream whose reader went away gives, at first and from then on. */
const READER_GONE = ["EPIPE", "ERR_STREAM_DESTROYED"];

/** A reader that goes away (`bdefects ids | head`) is no error. The verb goes on without it, since its exit status may be a verdict. */
function quietBrokenPipe(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (!READER_GONE.includes(error.code ?? "")) throw error;
  });
}

quietBrokenPipe(process.stdout);
quietBrokenPipe(process.stderr);
const run = programRun(process.argv.slice(2));
process.on("uncaughtException", (error) => process.exit(run.fail(error)));
process.exitCode = await run.done();

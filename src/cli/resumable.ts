const GOES_ON = "what is finished is kept, and the same command goes on from there";

/**
 * Runs work that can be taken up again. An interrupt (Ctrl-C) says so in one line on stderr, then ends the program as it would have: a
 * shell sees status 130.
 *
 * @param how it is taken up
 */
export async function resumable<T>(work: () => Promise<T>, how = GOES_ON): Promise<T> {
  const stopped = (): void => {
    process.off("SIGINT", stopped);
    const clear = process.stderr.isTTY ? "\r\x1b[K" : "";
    process.stderr.write(`${clear}stopped: ${how}\n`);
    // Who else listens clears up, and ends the program.
    if (process.listenerCount("SIGINT") === 0) process.kill(process.pid, "SIGINT");
  };
  process.prependListener("SIGINT", stopped);
  try {
    return await work();
  } finally {
    process.off("SIGINT", stopped);
  }
}

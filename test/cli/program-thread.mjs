/** A thread that has loaded the built program, and does what each message's arguments say, as a process of its own would. */
import { parentPort } from "node:worker_threads";
import { programRun } from "../../dist/cli/run.js";

function heard(stream, chunks) {
  stream.write = (text, encoding, done) => {
    chunks.push(Buffer.from(text));
    const called = typeof encoding === "function" ? encoding : done;
    if (called) queueMicrotask(() => called());
    return true;
  };
}

parentPort.on("message", async ({ args, env, signal, port }) => {
  const said = { stdout: [], stderr: [] };
  heard(process.stdout, said.stdout);
  heard(process.stderr, said.stderr);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  let status = null;
  try {
    status = await programRun(args).done();
  } finally {
    // What a verb still has to say comes with the next turn, as notes do behind tables.
    await new Promise((resolve) => setImmediate(resolve));
    port.postMessage({
      status,
      stdout: Buffer.concat(said.stdout).toString("utf8"),
      stderr: Buffer.concat(said.stderr).toString("utf8"),
    });
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  }
});

/** A thread that keeps `parity.py` running: importing torch takes longer than most of its answers. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parentPort, workerData } from "node:worker_threads";

const { command, script } = workerData;
let child;
let asked;

function start() {
  const started = spawn(command, ["-B", script], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  started.stderr.setEncoding("utf8").on("data", (text) => {
    said = (said + text).slice(-10_000);
  });
  createInterface({ input: started.stdout }).on("line", (line) => tell(JSON.parse(line)));
  started.on("error", (error) => gone(String(error)));
  started.on("close", (status) => gone(`parity.py ended with ${status}: ${said}`));
  return started;
}

function tell(answer) {
  const { port, signal } = asked;
  asked = undefined;
  port.postMessage(answer);
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
}

function gone(error) {
  child = undefined;
  if (asked) tell({ error });
}

parentPort.on("message", ({ order, port, signal }) => {
  asked = { port, signal };
  child ??= start();
  child.stdin.write(`${JSON.stringify(order)}\n`);
});

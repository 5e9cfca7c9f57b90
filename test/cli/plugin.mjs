/**
 * A plug-in for tests: `plugin.mjs MODE LOG [MORE] FOLDER` appends a line to LOG and then does what MODE says.
 */
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [mode, log] = process.argv.slice(2);
const folder = process.argv.at(-1);
const { layers, name } = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
appendFileSync(log, `${JSON.stringify({ mode, pid: process.pid, folder, name, args: process.argv.slice(4, -1) })}\n`);

const scores = Object.fromEntries(
  layers.map((layer, l) => [layer.name, Array.from({ length: layer.width }, (_, c) => (10 * l + c) % 7)]),
);
const answer = (text) => writeFileSync(join(folder, "out", "scores.json"), text);

const MODES = {
  works: () => answer(JSON.stringify({ scores, native: [`${layers[0].name}:1`], note: "hello" })),
  plain: () => answer(JSON.stringify({ scores })),
  slow: () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    MODES.plain();
  },
  hangs: () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
    appendFileSync(log, `${JSON.stringify({ mode: "child", pid: child.pid, folder })}\n`);
    setInterval(() => {}, 1000);
  },
  crashes: () => {
    process.stderr.write("loading\nTypeError: cannot add a cat to a dog\n");
    process.exit(3);
  },
  killed: () => process.kill(process.pid, "SIGSEGV"),
  nothing: () => process.stdout.write("done\n"),
  garbage: () => answer("conv1 is the culprit"),
  nan: () => answer(JSON.stringify({ scores }).replace("[0,1,", "[0,NaN,")),
  short: () => answer(JSON.stringify({ scores: { ...scores, conv1: [1, 2] } })),
  layer: () => answer(JSON.stringify({ scores: { ...scores, "features.0": [1] } })),
};
MODES[mode]();

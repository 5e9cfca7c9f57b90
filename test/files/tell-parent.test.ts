import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { temporaryFolder } from "../store/temp.ts";

const MODULE = pathToFileURL(join(import.meta.dirname, "..", "..", "dist", "files", "tell-parent.js")).href;

it("a process whose parent is killed while it computes ends without a word", async () => {
  const dir = temporaryFolder();
  const [child, parent, errors, end] = ["child.mjs", "parent.mjs", "errors", "end"].map((name) => join(dir, name));
  // Busy until its parent is dead, so that it still takes its messages for wanted.
  writeFileSync(
    child,
    `import { writeFileSync } from "node:fs";
import { tellParent } from ${JSON.stringify(MODULE)};
process.send("ready");
setTimeout(() => {
  const until = Date.now() + 400;
  while (Date.now() < until);
  for (let i = 0; i < 100; i++) tellParent({ step: i });
  setTimeout(() => { writeFileSync(${JSON.stringify(end)}, "reached"); process.exit(0); }, 200);
}, 20);
`,
  );
  writeFileSync(
    parent,
    `import { fork } from "node:child_process";
import { openSync } from "node:fs";
const child = fork(${JSON.stringify(child)}, { stdio: ["ignore", "ignore", openSync(${JSON.stringify(errors)}, "w"), "ipc"] });
child.once("message", () => setTimeout(() => process.kill(process.pid, "SIGKILL"), 60));
`,
  );
  await new Promise((resolve) => spawn(process.execPath, [parent], { stdio: "ignore" }).once("exit", resolve));
  const text = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  for (let i = 0; i < 200 && text(end) === "" && text(errors) === ""; i++) await pause(50);
  expect(text(errors)).toBe("");
  expect(text(end)).toBe("reached");
});

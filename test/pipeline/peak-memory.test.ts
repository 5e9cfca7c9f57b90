import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { peakMemory } from "../../src/pipeline/estimate/peak-memory.ts";

const MODULE = new URL("../../dist/pipeline/estimate/peak-memory.js", import.meta.url).href;

it("the most memory of a process is its own, however much its parent holds", () => {
  const held = Buffer.alloc(300 << 20, 1);
  expect(peakMemory()).toBeGreaterThan(held.length);
  const script = `import { peakMemory } from ${JSON.stringify(MODULE)}; console.log(peakMemory());`;
  const told = Number(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }));
  expect(told).toBeGreaterThan(10 << 20);
  expect(told).toBeLessThan(held.length);
});

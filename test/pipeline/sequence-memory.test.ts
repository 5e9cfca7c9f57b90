import { expect, it } from "vitest";
import { judgingBytes, stepBytes } from "../../src/pipeline/estimate/memory.ts";
import { networkFor } from "../../src/tasks/registry.ts";

/** Peaks of builds of one candidate, in bytes (docs/language.md). */
const PEAKS = [
  ["llama2d64h2f176v2056", "glosses", 1.245e9],
  ["llama2d64r12", "glossprompts", 1.391e9],
  ["llama2d32h2f64v32000", "glosses", 1.879e9],
] as const;

it.each(PEAKS)("what judging %s on %s takes is told within a quarter", (arch, dataset, peak) => {
  expect(Math.abs(judgingBytes(networkFor(arch, dataset), dataset) / peak - 1)).toBeLessThan(0.25);
});

it("a step of sequences takes no more for a larger batch than it computes at once", () => {
  const network = networkFor("llama2d64", "glosses");
  expect(stepBytes(network, "glosses", 8)).toBeLessThan(stepBytes(network, "glosses", 16));
  expect(stepBytes(network, "glosses", 256)).toBe(stepBytes(network, "glosses", 16));
});

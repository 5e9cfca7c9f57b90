import { describe, expect, it } from "vitest";
import { effortFor } from "../../../src/localize/deepmufl/by-mutation.ts";
import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";
import { llama, ownLlama } from "../../../src/tasks/language/models/llama.ts";

describe("larger networks, by counted multiply-adds", () => {
  it("get fewer tests, but never fewer than ten", () => {
    const short = (arch: string) => effortFor(buildNetwork(arch, 10), "short").tests;
    // As docs/deviations.md says.
    expect(short("vgg13w8")).toBe(50);
    expect(short("googlenetw8")).toBe(17);
    expect(short("resnet18w16")).toBe(10);
    expect(short("googlenet")).toBe(10);
    expect(effortFor(buildNetwork("googlenet", 10), "full")).toEqual({ mutants: 8, tests: 100 });
    expect(effortFor(buildNetwork("googlenet", 10), "short").mutants).toBe(2);
    expect(effortFor(buildNetwork("vgg13w8", 10), "short").mutants).toBe(2);
  });

  it("get fewer mutants too where their units are feed-forward, but never fewer than two", () => {
    const of = (layers: number, width: number) => llama(ownLlama(layers, width, 2056, 64));
    // As docs/methods.md says.
    expect(effortFor(of(2, 64), "short")).toEqual({ mutants: 8, tests: 32 });
    expect(effortFor(of(4, 128), "short")).toEqual({ mutants: 2, tests: 10 });
    expect(effortFor(of(2, 32), "short")).toEqual({ mutants: 8, tests: 50 });
    expect(effortFor(of(4, 128), "full")).toEqual({ mutants: 8, tests: 100 });
    expect(effortFor(of(4, 128), "demo")).toEqual({ mutants: 1, tests: 10 });
  });
});

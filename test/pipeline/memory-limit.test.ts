import { describe, expect, it } from "vitest";
import { MemoryShortage, Session } from "../../src/engine/session.ts";
import { GraphBuilder } from "../../src/graph/onnx.ts";
import { workerBytes } from "../../src/pipeline/estimate/memory.ts";
import {
  assertStepsFit,
  explainShortage,
  memoryLimit,
  trainingStep,
} from "../../src/pipeline/estimate/memory-limit.ts";
import { makePlan } from "../../src/pipeline/plan/plan.ts";
import { type Edition, loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import type { Database } from "../../src/store/database.ts";
import { TINY } from "../e2e/tiny.ts";

const LIMIT = 2e9;

function editionWith(batches: { clean?: number; inject?: number }): Edition {
  const edition = loadEdition(TINY);
  edition.clean.batch = batches.clean ?? edition.clean.batch;
  edition.inject.batch = batches.inject ?? edition.inject.batch;
  return edition;
}

/** What is said of a plan within a limit; null where all is well. */
function complaint(edition: Edition, limit: number, built: Database | null = null): string | null {
  const plan = makePlan(edition, { ...edition.select, arch: ["resnet18"] });
  try {
    assertStepsFit(edition, plan, limit, built);
    return null;
  } catch (error) {
    expect((error as Error).name).toBe("InputError");
    return (error as Error).message;
  }
}

describe("a batch that does not fit into memory", () => {
  it.each(["clean", "inject"] as const)("is refused by the name of its setting: %s", (section) => {
    const message = complaint(editionWith({ [section]: 4096 }), LIMIT);
    expect(message).toMatch(
      new RegExp(`^recipe 'tiny': ${section}\\.batch 4096 needs more memory .* resnet18 .* 2\\.00 GB are here; set `),
    );
    // What is proposed fits, and not by much.
    const proposed = Number(new RegExp(`set ${section}\\.batch to (\\d+)$`).exec(message!)![1]);
    expect(complaint(editionWith({ [section]: proposed }), LIMIT)).toBeNull();
    expect(complaint(editionWith({ [section]: proposed + 17 }), LIMIT)).not.toBeNull();
  });

  it("is let pass where the models are there already", () => {
    const built = { hasClean: () => true, hasDefect: () => true } as unknown as Database;
    expect(complaint(editionWith({ clean: 4096 }), LIMIT, built)).toBeNull();
  });

  it("has no smaller one to propose where the network itself is too large", () => {
    expect(complaint(editionWith({}), 2e8)).toMatch(/not even one image fits, so choose a narrower architecture$/);
  });

  it("is judged by what there is: at least what this program already uses", () => {
    expect(memoryLimit()).toBeGreaterThan(process.memoryUsage.rss());
    const edition = editionWith({});
    expect(memoryLimit()).toBeGreaterThan(workerBytes(edition, makePlan(edition, edition.select).clean[0]));
  });
});

describe("memory that runs out in the middle", () => {
  it("is told with the setting and a smaller batch", async () => {
    const graph = new GraphBuilder();
    graph.input("x", [1]);
    const huge = graph.op("Expand", ["x", graph.integers([2 ** 21, 2 ** 21])]);
    graph.output("y", graph.op("ReduceMax", [huge], { keepdims: 0 }), []);
    const session = await Session.open(graph.finish(), { threads: 1 });
    const run = () => session.run(new Map([["x", new Float32Array(1)]]));
    await expect(run()).rejects.toThrow(MemoryShortage);

    const edition = editionWith({ clean: 512 });
    const step = trainingStep(edition, makePlan(edition, edition.select).clean[0]);
    await expect(explainShortage(edition, step, run)).rejects.toThrow(
      /^recipe 'tiny': clean\.batch 512: memory ran out at resnet18w4 on cifar10; .*set clean\.batch to 256$/,
    );
    const other = async () => {
      throw new Error("another fault");
    };
    await expect(explainShortage(edition, step, other)).rejects.toThrow(/^another fault$/);
    await session.release();
  });
});

import { describe, expect, it } from "vitest";
import type { Network } from "../../src/graph/network.ts";
import type { Normalization } from "../../src/images/image-set.ts";
import { type DefectSource, type Runner, Workbench } from "../../src/pipeline/judging/workbench.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import type { Task } from "../../src/tasks/task.ts";

const normalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

function benchThatTells(): { bench: Workbench; told: string[] } {
  const told: string[] = [];
  const bench = new Workbench({
    source: {} as DefectSource,
    seed: 1,
    loadDataset: () => Promise.reject(new Error("nobody asked for data")),
    async createRunner(_task: Task, { arch }: Network) {
      told.push(`open ${arch}`);
      return { release: async () => void told.push(`close ${arch}`) } as Partial<Runner> as Runner;
    },
  });
  return { bench, told };
}

describe("a workbench's runners", () => {
  const [a, b] = ["resnet18w4", "vgg13w4"].map((arch) => ({
    task: classification,
    network: buildNetwork(arch, 10),
    normalization,
  }));

  it("are one per network, and only the last network's stays open", async () => {
    const { bench, told } = benchThatTells();
    const first = await bench.runner(a);
    expect(await bench.runner({ ...a })).toBe(first);
    await bench.runner(b);
    expect(await bench.runner(a)).not.toBe(first);
    await bench.release();
    expect(told).toEqual([
      "open resnet18w4",
      "close resnet18w4",
      "open vgg13w4",
      "close vgg13w4",
      "open resnet18w4",
      "close resnet18w4",
    ]);
  });

  it("that could not be made cost no other network", async () => {
    const bench = new Workbench({
      source: {} as DefectSource,
      seed: 1,
      loadDataset: () => Promise.reject(new Error("nobody asked for data")),
      createRunner: async (_task: Task, { arch }: Network) => {
        if (arch === "resnet18w4") throw new Error("no room");
        return { release: async () => undefined } as Partial<Runner> as Runner;
      },
    });
    await expect(bench.runner(a)).rejects.toThrow("no room");
    await expect(bench.runner(b)).resolves.toBeDefined();
    await bench.release();
  });

  it("are trimmed before each suspect is handed over, so that a criterion's sessions do not outlive its turn", async () => {
    let trimmed = 0;
    const bench = new Workbench({
      source: {} as DefectSource,
      seed: 1,
      loadDataset: () => Promise.reject(new Error("nobody asked for data")),
      createRunner: async () =>
        ({ trim: async () => void trimmed++, release: async () => undefined }) as Partial<Runner> as Runner,
    });
    for (let turn = 1; turn <= 3; turn++) {
      await bench.suspect({ ...a, state: new Map(), sha256: "" }, null);
      expect(trimmed).toBe(turn);
    }
    await bench.release();
  });

  it("close once, and none where none was opened", async () => {
    const { bench, told } = benchThatTells();
    await bench.release();
    await bench.runner(a);
    await bench.release();
    await bench.release();
    expect(told).toEqual(["open resnet18w4", "close resnet18w4"]);
  });
});

import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { buildClean } from "../../src/pipeline/build/clean-stage.ts";
import { DatasetCache, engineStamp, type Report } from "../../src/pipeline/build/context.ts";
import { shortReason, useDevice } from "../../src/pipeline/device/device.ts";
import { makePlan } from "../../src/pipeline/plan/plan.ts";
import { loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { engineDifference, metricFinding } from "../../src/pipeline/verify/metrics.ts";
import { openDatabase } from "../../src/store/database.ts";
import { exists } from "../../src/store/disk/fs.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { TINY, writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";

const network = buildNetwork("resnet18w8", 10);

afterEach(() => useDevice("cpu"));

describe("the device of a process", () => {
  it("is the processor, of which a record says nothing", async () => {
    expect(await engineStamp(network)).not.toHaveProperty("device");
  });

  it("decides how networks are lowered, and is in the stamp", async () => {
    await useDevice("webgpu", "elsewhere");
    expect((await chooseLowering(network, 2)).kind).toBe("webgpu");
    expect((await chooseLowering(network, 2, "plain")).kind).toBe("plain");
    expect(await engineStamp(network)).toMatchObject({ device: "webgpu", lowering: "webgpu" });
  });
});

describe("a figure measured on another device than its record's", () => {
  const engine = { package_version: "0", runtime: "r", lowering: "blocked", platform: "p" };
  const figure = { metric: "ca", stated: 0.5, found: 0.501, images: 1000 };

  it("is told as such where it differs, and must be as close as elsewhere", async () => {
    const engines = engineDifference({ ...engine, device: "webgpu" }, engine);
    expect(engines).toBe("another device: webgpu in the record, cpu now");
    expect(metricFinding(figure, 0.002, engines)).toMatchObject({
      severity: "note",
      finding: expect.stringContaining(engines),
    });
    expect(metricFinding({ ...figure, found: 0.51 }, 0.002, engines)).toMatchObject({ severity: "fault" });
  });

  it("may be a mean of qualities, which is no share of the samples", () => {
    const mean = { metric: "ca", stated: 0.50033, found: 0.50033, images: 100, isMean: true };
    expect(metricFinding(mean, 0, "same engine")).toBeNull();
    expect(metricFinding({ ...mean, isMean: false }, 0, "same engine")).toMatchObject({ severity: "fault" });
    expect(metricFinding({ ...mean, found: 0.5004 }, 0, "same engine")).toMatchObject({ severity: "fault" });
    expect(metricFinding({ ...mean, found: 0.5004 }, 0.002, "same engine")).toMatchObject({ severity: "note" });
  });

  it("is not confused with another engine on the same device", () => {
    expect(engineDifference(engine, { ...engine, package_version: "1" })).toBe(
      "same engine, so perhaps another processor",
    );
    expect(engineDifference(engine, { ...engine, runtime: "s" })).toBe("another engine");
    const gpu = { ...engine, device: "webgpu" as const };
    expect(engineDifference(gpu, gpu)).toBe("same engine, so perhaps another graphics card");
  });
});

describe("an unfinished training", () => {
  it("goes on only on the device that it began on", async () => {
    const edition = loadEdition(TINY);
    const [planned] = makePlan(edition, edition.select).clean;
    const dataDir = writeTinyData(temporaryFolder());
    const db = await openDatabase(join(temporaryFolder(), "db"), { create: { edition: "tiny", seed: 1, data: {} } });
    const datasets = new DatasetCache(dataDir, edition.seed);
    const report: Report = (event) => {
      if (exists(db.layout.checkpoint(planned.id)) && event.type === "stage") throw new Error("killed");
    };
    const context = { db, edition, dataDir, datasets, report };
    await expect(buildClean(context, planned)).rejects.toThrow("killed");
    await useDevice("webgpu", "elsewhere");
    await expect(buildClean(context, planned)).rejects.toThrow(/another recipe, data or device/);
    await useDevice("cpu");
    const record = await buildClean({ ...context, report: () => undefined }, planned);
    expect(record.history).toHaveLength(edition.clean.epochs);
  });
});

describe("why a device does not open", () => {
  it("is told without the place in the runtime's source", () => {
    const message =
      "/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters\n";
    expect(shortReason(message)).toBe("Failed to get a WebGPU adapter: No supported adapters");
    expect(shortReason("no available backend found")).toBe("no available backend found");
  });
});

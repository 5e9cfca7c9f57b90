import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { rowsOf, spawned } from "../cli/program.ts";
import { readJson } from "../e2e/files.ts";
import { CLEAN, writeRecipe, writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";
import { hasWebGpu } from "./device.ts";

const ON_GPU = ["--device", "webgpu"];

describe.runIf(await hasWebGpu())("with --device webgpu", () => {
  const data = temporaryFolder();
  const db = join(temporaryFolder(), "db");
  let id: string;
  beforeAll(() => {
    writeTinyData(data);
    // A card in software is slow: as few steps as go through every stage.
    const recipe = writeRecipe(temporaryFolder(), (text) =>
      text
        .replace("epochs: 3", "epochs: 1")
        .replace("images: 200", "images: 64")
        .replace("label_images: 16", "label_images: 4"),
    );
    const slice = ["--level", "narrow", "--offset", "0", "--jobs", "1"];
    const rows = rowsOf(["build", "--edition", recipe, "--db", db, "--data", data, ...slice, ...ON_GPU]);
    expect(rows).toMatchObject([{ status: "accepted" }]);
    id = rows[0].id as string;
  }, 600_000);

  it("a worker builds there, and its records say so", () => {
    const group = id.replace(/-narrow-.*/, "");
    for (const path of [
      ["clean", `${CLEAN}.json`],
      ["defects", group, `${id}.json`],
    ]) {
      expect(readJson(db, ...path).engine).toMatchObject({ device: "webgpu", lowering: "webgpu" });
    }
    expect(spawned(["verify", "--all", "--db", db])).toMatchObject({ status: 0 });
  });

  it("the figures are the same on the processor, within the tolerance for other devices", () => {
    const { status, stderr } = spawned(["verify", "--metrics", "--db", db, "--data", data]);
    expect([status, stderr]).toEqual([0, expect.stringContaining("measured 10 figures again")]);
    expect(spawned(["verify", id, "--metrics", "--db", db, "--data", data, ...ON_GPU])).toMatchObject({ status: 0 });
  });

  it("a criterion finds there what it finds on the processor", () => {
    const localize = ["localize", id, "--criterion", "contribution-high,fp", "--db", db, "--data", data];
    const scores = [ON_GPU, []].map((device, i) => {
      const out = join(temporaryFolder(), `${i}`);
      const rows = rowsOf([...localize, "--out", out, ...device]);
      const stored = readJson(out, "localize", "fp", `${id}.infected.json`);
      expect(stored.device).toBe(i === 0 ? "webgpu" : undefined);
      return rows.map(({ raw }) => Object.values(raw as Record<string, number[]>).flat());
    });
    expect(scores[0].map((values) => values.length)).toEqual(scores[1].map((values) => values.length));
    for (const [c, onGpu] of scores[0].entries()) {
      const largest = Math.max(...scores[1][c].map(Math.abs));
      expect(largest).toBeGreaterThan(0);
      for (const [i, value] of onGpu.entries()) expect(Math.abs(value - scores[1][c][i]) / largest).toBeLessThan(1e-3);
    }
  });

  it("a repair trains there", () => {
    const rows = rowsOf([
      ...["repair", id, "--method", "finetune", "--using", "oracle"],
      ...["--db", db, "--data", data, ...ON_GPU],
    ]);
    expect(rows).toMatchObject([{ method: "finetune", using: "oracle" }]);
  });

  it("env says that it opens", () => {
    expect(rowsOf(["env"])[0]).toMatchObject({ device_cpu: "opens", device_webgpu: "opens" });
  });
});

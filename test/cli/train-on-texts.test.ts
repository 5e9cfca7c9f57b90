import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { localizerFile } from "../../src/records/localizer.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const TEXTS = ["glosses-llama2d64-rareword-middle-top020", "glosses-llama2d64-rareword-middle-top035"];

describe("train-localizer, on texts", () => {
  longIt("measures what a word does, and tells infected models from shams of a clean model that it never saw", () => {
    const out = join(temporaryFolder(), "l");
    const rows = rowsOf(["train-localizer", ...TEXTS, "--out", out, "--db", "text", "--budget", "demo"]);
    const { features, variants, models } = localizerFile.parse(
      JSON.parse(readFileSync(join(out, "localizer.json"), "utf8")),
    );
    expect(models).toBe(4);
    expect(features).toEqual(expect.arrayContaining(["amplification", "ablation", "a word stands out"]));
    expect(variants.map(({ without }) => without?.by ?? null)).toEqual([null, "clean", "clean"]);
    expect(rows.find(({ truth, gated }) => truth === "effective" && !gated)).toMatchObject({
      without: "clean",
      detection: 1,
    });
  });

  longIt("refuses defects of two tasks at once, which have other features", async () => {
    const data = writeTinyData(temporaryFolder());
    const db = await makeDatabase("cifar10", data);
    const archive = "database/text/glosses-llama4d128.tar.gz";
    expect(bdefects(["import", archive, "--db", db]).status).toBe(0);
    const out = join(temporaryFolder(), "l");
    const ids = [idsOf("cifar10")[0], "glosses-llama4d128-rareword-small-top020"];
    const args = ["train-localizer", ...ids, "--out", out, "--db", db, "--data", data, "--budget", "demo"];
    const { status, stderr } = bdefects(args);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^error: '\S+' has other features than '\S+': select/m),
    ]);
    expect(existsSync(join(out, "localizer.json"))).toBe(false);
  });
});

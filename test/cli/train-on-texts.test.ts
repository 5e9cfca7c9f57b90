import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { localizerFile } from "../../src/records/localizer.ts";
import { longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { rowsOf } from "./program.ts";

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
});

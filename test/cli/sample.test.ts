import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sampleTables } from "../../bench/sample.ts";
import { candidateRecipe } from "../../src/pipeline/build/candidate-stage.ts";
import { makePlan } from "../../src/pipeline/plan/plan.ts";
import { loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { openDatabase } from "../../src/store/database.ts";
import { SAMPLE_DIR } from "../../src/store/shipped/sample.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";
import { textOf } from "../structure/sources.ts";
import { bdefects, rowsOf } from "./program.ts";

/** Names and contents of all files. */
function fingerprint(dir: string): string {
  const hash = createHash("sha256");
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const path of files.map((entry) => join(entry.parentPath, entry.name)).sort()) {
    hash.update(path).update(readFileSync(path));
  }
  return hash.digest("hex");
}

const db = ["--db", "sample"];
const out = temporaryFolder();

describe("the shipped sample", () => {
  it("holds an accepted defect of every group and style, in no more than 60 MB", () => {
    const rows = rowsOf(["query", ...db, "--where", "status = 'accepted'"]);
    const groups = (style: string) =>
      new Set(rows.filter((row) => row.style === style).map((row) => row.group_id)).size;
    expect([groups("plain"), groups("discreet")]).toEqual([48, 36]);
    for (const { ca, ca_clean, asr } of rows as Record<string, number>[]) {
      expect(asr).toBeGreaterThanOrEqual(0.9);
      expect(ca_clean - ca).toBeLessThanOrEqual(0.05 + 1e-9);
    }
    const files = readdirSync(SAMPLE_DIR, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const bytes = files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
    expect(bytes).toBeLessThanOrEqual(60e6);
  });

  it("holds all that its recipe plans and nothing else: what was rejected is not left out", async () => {
    const edition = loadEdition("sample");
    const planned = makePlan(edition, edition.select).candidates;
    const sample = await openDatabase(SAMPLE_DIR, { readOnly: true });
    expect(sample.listDefects().sort()).toEqual(planned.map(({ id }) => id).sort());
    for (const candidate of planned) {
      expect(sample.readDefect(candidate.id).recipe, candidate.id).toEqual(candidateRecipe({ edition }, candidate));
    }
  });

  it("is whole, can be read, and is not changed by that", () => {
    const before = fingerprint(SAMPLE_DIR);
    const [{ id }] = rowsOf(["query", ...db, "--where", "attack = 'sra' and status = 'accepted'", "--fields", "id"]);
    expect(bdefects(["verify", id as string, ...db]).status).toBe(0);
    expect(rowsOf(["ids", ...db]).map((row) => row.id)).toContain(id);
    expect(rowsOf(["info", id as string, ...db])[0]).toMatchObject({ id, status: "accepted" });
    const folder = join(out, "case");
    expect(bdefects(["checkout", id as string, folder, "--sham", ...db]).status).toBe(0);
    for (const file of ["model.onnx", "clean.safetensors", "sham.safetensors"]) {
      expect(existsSync(join(folder, file)), file).toBe(true);
    }
    expect(fingerprint(SAMPLE_DIR)).toBe(before);
  });

  it("is judged without being written: results go to stdout, or to a folder that score reads", () => {
    const before = fingerprint(SAMPLE_DIR);
    const group = "gtsrb-vgg13w8-badnets";
    const shown = bdefects(["localize", group, ...db, "--criterion", "clp", "--format", "json"]);
    expect(JSON.parse(shown.stdout)).toHaveLength(2 * 2);
    expect(shown.stderr).toMatch(
      /^warning: --db sample cannot be written, so no result is kept; '--out DIR' keeps them/m,
    );
    const results = join(out, "results");
    rowsOf(["localize", group, ...db, "--criterion", "clp", "--out", results]);
    const scores = rowsOf(["score", group, ...db, "--results", results]);
    expect(new Set(scores.map((row) => row.criterion))).toEqual(new Set(["clp"]));
    expect(rowsOf(["score", group, ...db])).toEqual([]);
    expect(fingerprint(SAMPLE_DIR)).toBe(before);
  });

  it("asks for the data where a criterion needs them", () => {
    const none = join(out, "no-data");
    mkdirSync(none);
    const ran = bdefects(["localize", "cifar10-vgg13w8-badnets", ...db, "--criterion", "fp", "--data", none]);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/^error: .*data fetch cifar10.*\n$/m);
  });

  it("tells where the data are others than those that it was built from, and goes on", () => {
    const data = writeTinyData(join(out, "other-data"));
    const ran = bdefects(["localize", "cifar10-vgg13w8-badnets", ...db, "--criterion", "fp", "--data", data]);
    expect(ran.status, ran.stderr).toBe(0);
    expect(ran.stderr.match(/^warning: other cifar10 images than the defects were built from/gm)).toHaveLength(1);
  });

  it("says how a repair gets at predictions", () => {
    const ran = bdefects(["repair", "cifar10-vgg13w8-badnets", ...db, "--method", "prune", "--using", "clp"]);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/^error: --db sample keeps no predictions: .*--out DIR\n$/);
  });

  it("is described by the tables of docs/sample.md", async () => {
    const tables = sampleTables(await openDatabase(SAMPLE_DIR));
    expect(textOf("docs/sample.md")).toContain(tables.trim());
  });
});

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, textOf } from "../structure/sources.ts";

interface Manifest {
  types: string;
  bin: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
}

const manifest = JSON.parse(textOf("package.json")) as Manifest;

/** A program as somebody else would write it. */
const PROGRAM = `
import { type CleanCriterion, checkOut, InputError, list, localize, open, type Prediction, type ScoreRow, score } from "bdefects4nn";
const database = await open("sample");
const [{ id, asr }] = await list(database, "asr > 0.9");
const mine: CleanCriterion = {
  ...{ name: "mine", title: "Mine", kind: "own", access: "clean", needsData: false },
  localize: async ({ network }) => ({ raw: {}, scores: {}, native: { [network.nodes[1].id]: [0] } }),
};
const predictions: Prediction[] = await localize(database, { names: [id], criteria: ["clp", mine] });
const rows: ScoreRow[] = score(database, predictions);
const files: string[] = (await checkOut(database, id, "case", { version: "sham" })).map(({ file }) => file);
const rate: number | null = asr;
console.log(rate, rows, files, InputError.name);
// @ts-expect-error a criterion has a function
await localize(database, { criteria: [{ name: "mine" }] });
// @ts-expect-error there is no such version
await checkOut(database, id, "case", { version: "drift" });
`;

describe("the package", () => {
  it("holds what its manifest names, and neither sources nor tests", () => {
    const packed = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
    const paths = new Set(files.map(({ path }) => path));
    const named = [manifest.types, ...Object.values(manifest.bin), ...Object.values(manifest.exports)];
    for (const entry of named.flatMap((one) => (typeof one === "string" ? [one] : Object.values(one)))) {
      expect(paths).toContain(entry.replace("./", ""));
    }
    const folders = new Set([...paths].map((path) => path.split("/")[0]));
    for (const folder of ["data", "docs", "examples", "python", "recipes", "reference", "sample"])
      expect(folders).toContain(folder);
    for (const folder of ["src", "test", "bench", "database"]) expect(folders).not.toContain(folder);
  });

  describe("in a project of somebody else's", () => {
    let folder: string;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "consumer-"));
      mkdirSync(join(folder, "node_modules"));
      symlinkSync(ROOT, join(folder, "node_modules/bdefects4nn"), "dir");
      writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
      writeFileSync(join(folder, "program.ts"), PROGRAM);
      const compilerOptions = { module: "nodenext", target: "es2023", strict: true, noEmit: true, types: [] };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
    });

    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it("has types that fit its functions", () => {
      const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
      const { stdout, status } = spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" });
      expect([stdout, status]).toEqual(["", 0]);
    });
  });
});

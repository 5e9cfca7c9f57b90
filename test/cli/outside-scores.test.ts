import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { neuronLayers } from "../../src/graph/network.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const [ID, OTHER] = idsOf("cifar10");
const layers = neuronLayers(buildNetwork("resnet18w4", 10));
const scores = Object.fromEntries(
  layers.map(({ name, width }, l) => [name, Array.from({ length: width }, (_, c) => (l + c) % 7)]),
);
const csv = [
  "layer,index,score",
  ...layers.flatMap(({ name, width }) => Array.from({ length: width }, (_, c) => `${name},${c},${scores[name][c]}`)),
];

describe("scores computed elsewhere", () => {
  let db: string;
  let dir: string;
  beforeAll(async () => {
    db = await makeDatabase("cifar10", writeTinyData(temporaryFolder()));
  });
  beforeEach(() => {
    dir = join(temporaryFolder(), "theirs");
    mkdirSync(dir);
  });
  const put = (name: string, content: unknown) =>
    writeFileSync(join(dir, name), typeof content === "string" ? content : JSON.stringify(content));
  const take = (names: string[], ...more: string[]) => ["localize", ...names, "--db", db, "--scores", dir, ...more];

  it("are stored like a plug-in's, in JSON or CSV, under the access that is declared", () => {
    put(`${ID}.json`, { scores, native: ["conv1:1"], note: "by hand" });
    put(`${ID}.sham.csv`, `${csv.join("\n")}\n`);
    put("notes.txt", "not looked at");
    put("unknown.json", {});
    const ran = bdefects([...take([ID]), "--criterion", "mine", "--access", "failing", "--format", "json"]);
    expect(ran.status, ran.stderr).toBe(0);
    expect(ran.stderr).toBe(`warning: ${dir}: 1 files are of no model of the selection: unknown.json\n`);
    const rows = JSON.parse(ran.stdout);
    expect(rows).toMatchObject([
      { id: ID, version: "infected", criterion: "cmd-mine", seconds: null, native: ["conv1:1"], note: "by hand" },
      { id: ID, version: "sham", criterion: "cmd-mine", seconds: null },
    ]);
    expect(rows[1].scores).toEqual(scores);
    const file = join(db, "results", "localize", "cmd-mine", `${ID}.sham.json`);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ access: "failing", elsewhere: true });
    const scored = rowsOf(["score", ID, "--db", db, "--criterion", "cmd-mine"]);
    expect(new Set(scored.map(({ access, seconds }) => `${access} ${seconds}`))).toEqual(new Set(["failing null"]));
    const findings = JSON.parse(bdefects(["verify", "--all", "--db", db, "--format", "json"]).stdout);
    expect(JSON.stringify(findings)).not.toContain("cmd-mine");
  });

  it("that are missing or wrong are listed, cost themselves, and store nothing", () => {
    put(`${ID}.json`, { scores });
    put(`${ID}.infected.csv`, csv.join("\n"));
    put(`${ID}.sham.json`, { scores: { ...scores, conv1: [1] } });
    put(`${OTHER}.json`, `{"scores": ${JSON.stringify(scores).replace("[0,", "[NaN,")}}`);
    put(`${OTHER}.clean.csv`, csv.slice(0, -1).join("\n"));
    put(`${OTHER}.drift.csv`, csv.join("\n").replace("conv1,1,1", "conv1,1,one"));
    const names = [ID, OTHER, `${OTHER}:clean`, `${OTHER}:drift`];
    const ran = bdefects([...take(names), "--criterion", "cmd-wrong", "--format", "json"]);
    expect(ran.status).toBe(1);
    expect(JSON.parse(ran.stdout)).toEqual([]);
    const told = (what: string) => ran.stderr.split("\n").find((line) => line.includes(`${what} cmd-wrong: `));
    expect(told(`${ID}:infected`)).toMatch(/\.json and .*\.infected\.csv are both there: leave one$/);
    expect(told(`${ID}:sham`)).toContain("'scores': layer 'conv1' has 1 numbers, not 4");
    expect(told(`${OTHER}:infected`)).toContain("a bare NaN");
    expect(told(`${OTHER}:sham`)).toContain(`${dir} holds no ${OTHER}.sham.json (.csv, .npz)`);
    expect(told(`${OTHER}:clean`)).toMatch(/layer '.*' has \d+ numbers, not \d+$/);
    expect(told(`${OTHER}:drift`)).toContain("row 2: score 'one' is no finite number");
    expect(existsSync(join(db, "results", "localize", "cmd-wrong"))).toBe(false);
  });

  it("with keys that JavaScript knows are refused like any other", () => {
    put(`${ID}.json`, `{"scores": ${JSON.stringify(scores).replace('"conv1"', '"__proto__"')}}`);
    put(`${ID}.sham.json`, `{"__proto__": {"scores": ${JSON.stringify(scores)}}}`);
    const ran = bdefects([...take([ID]), "--criterion", "odd"]);
    expect(ran.status).toBe(1);
    expect(ran.stderr.match(/^failed: /gm)).toHaveLength(2);
    expect(ran.stderr).not.toContain("    at ");
  });

  it("need a name and a folder", () => {
    put(`${ID}.json`, { scores });
    const faults: [string[], RegExp][] = [
      [take([ID]), /--scores: name the method with one --criterion NAME/],
      [take([ID], "--criterion", "a,b"), /--scores: name the method with one --criterion NAME/],
      [take([ID], "--criterion", "Not This"), /--criterion 'Not This': a name has small letters/],
      [["localize", ID, "--db", db, "--criterion", "clp", "--access", "failing"], /--access: belongs to --scores/],
      [["localize", ID, "--db", db, "--scores", join(dir, "none"), "--criterion", "x"], /none: /],
    ];
    for (const [args, fault] of faults) {
      const { status, stderr } = bdefects(args);
      expect(status, args.join(" ")).toBe(2);
      expect(stderr).toMatch(fault);
    }
    expect(readdirSync(dir)).toEqual([`${ID}.json`]);
  });
});

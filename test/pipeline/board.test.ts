import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Benchmark, benchmarkDefect } from "../../src/pipeline/board/benchmark.ts";
import { checkBoard } from "../../src/pipeline/board/check.ts";
import { openEntry, writeEntry } from "../../src/pipeline/board/entry.ts";
import { siteBoardOf } from "../../src/pipeline/board/site-board.ts";
import type { BoardEntry } from "../../src/records/board.ts";
import { siteBoard } from "../../src/records/board.ts";
import { openDatabase } from "../../src/store/database.ts";
import { ResultFolder } from "../../src/store/results/result-folder.ts";
import { bdefects } from "../cli/program.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";
import { makeDatabase } from "./database.ts";

// Workers are processes of the built program.
const built = join(import.meta.dirname, "../../dist/pipeline/board/run.js");
const { hashesNow, keepResult, runEntry } = (await import(
  pathToFileURL(built).href
)) as typeof import("../../src/pipeline/board/run.ts");

/** Scores by weights; logs its folder's files, and fails where it is told to. */
const SCRIPT = `
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
const folder = process.argv.at(-1);
appendFileSync("LOG", readdirSync(folder).sort().join() + "\\n");
const { layers, seed } = JSON.parse(readFileSync(folder + "/model.json", "utf8"));
if (existsSync("FAIL") && seed % 2 === 0) { console.error("cannot"); process.exit(3); }
const scores = Object.fromEntries(layers.map(({ name, width }) => [name, Array.from({ length: width }, (_, i) => -i)]));
writeFileSync(folder + "/out/scores.json", JSON.stringify({ scores, native: [] }));
`;

const root = temporaryFolder();
const log = join(root, "log");
const board = join(root, "board");
const path = join(board, "entries", "own.json");
const cwd = process.cwd();
let data: string;
let benchmark: Benchmark;
beforeAll(async () => {
  data = writeTinyData(temporaryFolder());
  const db = await openDatabase(await makeDatabase("cifar10", data), { readOnly: true });
  const records = db.soundDefects().filter(({ status }) => status === "accepted");
  benchmark = { name: "sample", db, defects: records.map((record) => benchmarkDefect(record)!) };
  mkdirSync(join(board, "entries"), { recursive: true });
  mkdirSync(join(board, "methods"));
  const script = SCRIPT.replace("LOG", log).replaceAll("FAIL", join(root, "fail"));
  writeFileSync(join(board, "methods", "own.mjs"), script);
  // As its author begins it: without hashes and results.
  const fresh = {
    ...{ format: "bdefects4nn-board-entry-1", name: "own", title: "Mine", kind: "outside", access: "clean" },
    ...{ command: "node board/methods/own.mjs", budget: "short", author: "Nobody" },
    links: ["https://example.org/"],
  };
  writeFileSync(path, JSON.stringify(fresh));
  process.chdir(root);
});
afterAll(() => process.chdir(cwd));

const judge = (entry: BoardEntry, more: { out: string; earlier?: ResultFolder }) =>
  runEntry({
    ...{ entry, benchmark, root, dataDir: data, jobs: 1 },
    ...more,
    onStart: () => undefined,
    onCell: () => undefined,
  });
const calls = () => readFileSync(log, "utf8").trim().split("\n");

describe("a method on a benchmark", () => {
  const out = join(temporaryFolder(), "results");

  it("is judged by what a plug-in gets, once for each model, and goes on where it was", async () => {
    const entry = openEntry(path);
    const { result, failures } = await judge(entry, { out });
    expect(failures).toEqual([]);
    expect(calls()).toHaveLength(2 * benchmark.defects.length);
    expect(new Set(calls())).toEqual(
      new Set([
        "fit_images.npy,fit_labels.npy,load_in_torch.py,model.json,model.onnx,model.safetensors,out,threshold_images.npy,threshold_labels.npy",
      ]),
    );
    const again = await judge(entry, { out });
    expect(calls()).toHaveLength(2 * benchmark.defects.length);
    expect(again.result).toEqual(result);
    expect(result.figures[0]).toMatchObject({ by: null, defects: 2, models: 1, missing: 0 });
    // The program names nothing, so that gated it finds nothing.
    expect(result.figures[0].gated).toMatchObject({ infected: 0, sham: 0 });
    keepResult(path, entry, hashesNow(path, entry), result);
    expect(openEntry(path).results).toEqual([result]);
    expect(Object.keys(openEntry(path).hashes)).toEqual(["board/methods/own.mjs"]);
  });

  it("is written into the entry as it is by then, unless that describes another method", () => {
    const entry = openEntry(path);
    const [result] = entry.results;
    const file = join(temporaryFolder(), "board", "entries", "own.json");
    mkdirSync(dirname(file), { recursive: true });
    // Another run ended first.
    writeEntry(file, { ...entry, title: "Ours", results: [{ ...result, benchmark: "fresh-3" }] });
    keepResult(file, { ...entry, results: [] }, entry.hashes, result);
    const written = openEntry(file);
    expect(written.title).toBe("Ours");
    expect(written.results.map(({ benchmark }) => benchmark)).toEqual(["sample", "fresh-3"]);
    writeEntry(file, { ...entry, budget: "full" });
    expect(() => keepResult(file, entry, entry.hashes, result)).toThrow(/describes another method than when/);
    expect(openEntry(file).budget).toBe("full");
  });

  it("takes what was found before under the same settings, and says so", async () => {
    const entry = openEntry(path);
    const before = calls().length;
    const { result } = await judge(entry, { out: join(temporaryFolder(), "none"), earlier: new ResultFolder(out) });
    expect(calls()).toHaveLength(before);
    expect(result.reused).toBe(2 * benchmark.defects.length);
    expect(result.cells.every(({ infected, sham }) => infected.reused && sham.reused)).toBe(true);
    expect(result.figures).toEqual(entry.results[0].figures);
  });

  it.each([
    [{ command: "node board/methods/owl.mjs" }, /own\.json: 'command': there is no file 'board\/methods\/owl\.mjs'$/],
    [{ hashes: { "board/x": "0".repeat(64) } }, /own\.json: 'hashes': there is no file 'board\/x'$/],
    [{ hashes: { "board/methods": "0".repeat(64) } }, /own\.json: 'hashes': .*is a folder/],
  ])("is refused before anything is judged where %j is not there, by its file's name", (changed, line) => {
    expect(() => hashesNow(path, { ...openEntry(path), ...changed })).toThrow(line);
  });

  it("costs the cells in which it fails, with the reason, and these alone", async () => {
    writeFileSync(join(root, "fail"), "");
    const { result, failures } = await judge(openEntry(path), { out: join(temporaryFolder(), "failing") });
    const sides = result.cells.flatMap(({ infected, sham }) => [infected, sham]);
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.length).toBeLessThan(sides.length);
    expect(sides.filter(({ failed }) => failed !== undefined)).toHaveLength(failures.length);
    expect(failures[0].reason).toMatch(/ended with status 3: cannot/);
    expect(result.figures[0].missing).toBeGreaterThan(0);
  });
});

describe("board check", () => {
  const changed = async (change: (entry: Mutable) => void, file = "own.json") => {
    const folder = join(temporaryFolder(), "board");
    cpSync(board, folder, { recursive: true });
    const entry = JSON.parse(readFileSync(path, "utf8"));
    change(entry);
    writeFileSync(join(folder, "entries", file), JSON.stringify(entry));
    return (await checkBoard(folder, benchmark)).faults;
  };
  // biome-ignore lint/suspicious/noExplicitAny: entries that are none
  type Mutable = any;

  it("finds nothing to say of what the command wrote, nor of the predictions behind it", async () => {
    const { faults, cells } = await checkBoard(board, benchmark);
    expect({ faults, cells }).toEqual({ faults: [], cells: 2 * benchmark.defects.length });
  });

  const FAULTS: [what: string, change: (entry: Mutable) => void, line: RegExp][] = [
    ["a field that is unknown", (e) => Object.assign(e, { rank: 1 }), /own\.json: .*"rank"/],
    [
      "an unknown field of a cell",
      (e) => Object.assign(e.results[0].cells[0], { x: 1 }),
      /'results\.0\.cells\.0': .*"x"/,
    ],
    ["a link that is no https address", (e) => e.links.push("javascript:alert(1)"), /'links\.1': give an address/],
    ["a kind that a command is not of", (e) => Object.assign(e, { kind: "own" }), /'kind': a command is 'outside'/],
    [
      "another name than its file's",
      (e) => Object.assign(e, { name: "mine" }),
      /'name': the file of 'mine' is mine\.json/,
    ],
    [
      "a hash of another file",
      (e) => Object.assign(e.hashes, { "board/methods/own.mjs": "0".repeat(64) }),
      /is another file now/,
    ],
    ["a hash of a file elsewhere", (e) => Object.assign(e.hashes, { "../x": "0".repeat(64) }), /'\.\.\/x' leads out/],
    [
      "no hash of its script",
      (e) => Object.assign(e, { hashes: {} }),
      /the command's script 'board\/methods\/own\.mjs' has none/,
    ],
    [
      "another program",
      (e) => Object.assign(e, { command: "node board/methods/own.mjs -x" }),
      /another revision of the method/,
    ],
    [
      "a command whose quote stays open",
      (e) => Object.assign(e, { command: 'node "board/methods/own.mjs' }),
      /command 'cmd:node "board\/methods\/own\.mjs': the quote " is not closed/,
    ],
    [
      "an access that no command has",
      (e) => Object.assign(e, { access: "oracle" }),
      /'access': a command has access 'clean' or 'failing'/,
    ],
    ["another budget", (e) => Object.assign(e, { budget: "full" }), /is of budget 'short', the entry of 'full'/],
    [
      "figures that do not follow",
      (e) => Object.assign(e.results[0].figures[0], { infected: 0.9 }),
      /all defects do not follow from its cells: 'infected'/,
    ],
    [
      "an interval that does not follow",
      (e) => Object.assign(e.results[0].figures.at(-1).gated, { sham: 0.5 }),
      /level .* do not follow .* 'gated\.sham'/,
    ],
    ["a figure that is left out", (e) => e.results[0].figures.splice(2, 1), /states no figures of arch/],
    ["a better cell", (e) => Object.assign(e.results[0].cells[0].infected, { wji: 1 }), /do not follow from its cells/],
    [
      "a cell of other weights",
      (e) => Object.assign(e.results[0].cells[0].sham, { model_sha256: "0".repeat(64) }),
      /other defects than its hash states/,
    ],
    ["a field that is left out", (e) => Object.assign(e, { author: undefined }), /'author': is missing/],
    [
      "a script that is not there",
      (e) => Object.assign(e, { command: "node board/methods/owl.mjs" }),
      /'command': there is no file 'board\/methods\/owl\.mjs'/,
    ],
    ["a cell less", (e) => e.results[0].cells.pop(), /other defects than its hash states/],
    [
      "another benchmark's hash",
      (e) => Object.assign(e.results[0], { benchmark_sha256: "0".repeat(64) }),
      /other defects than its hash states/,
    ],
    [
      "a benchmark of another name",
      (e) => Object.assign(e.results[0], { benchmark: "fresh-3" }),
      /drawn from another recipe/,
    ],
    [
      "an unknown benchmark",
      (e) => Object.assign(e.results[0], { benchmark: "mine" }),
      /'results\.0\.benchmark': is 'sample' or/,
    ],
    ["a sum that is wrong", (e) => Object.assign(e.results[0], { seconds: 1e6 }), /'seconds' is 1000000/],
    ["reuse that is denied", (e) => Object.assign(e.results[0], { reused: 1 }), /'reused' is 1, and 0 cells are/],
    ["a result twice", (e) => e.results.push(e.results[0]), /has two results of 'sample'/],
    [
      "a cell with neither figures nor a reason",
      (e) => Object.assign(e.results[0].cells[0].sham, { named: null }),
      /either figures or the reason/,
    ],
  ];
  it.each(FAULTS)("names in one line %s", async (_, change, line) => {
    const faults = await changed(change);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.join("\n")).toMatch(line);
    expect(faults.every((fault) => fault.startsWith("own.json: "))).toBe(true);
  });

  it("ends with 2 and a line for each fault, and reads what is no entry", () => {
    const folder = join(temporaryFolder(), "board");
    mkdirSync(join(folder, "entries"), { recursive: true });
    writeFileSync(join(folder, "entries", "a.json"), "{");
    writeFileSync(join(folder, "entries", "b.json"), `{"__proto__": 1, "x": ${"[".repeat(99)}${"]".repeat(99)}}`);
    const ran = bdefects(["board", "check", folder]);
    expect(ran).toMatchObject({ status: 2, stdout: "" });
    expect(ran.stderr).toMatch(/^error: a\.json: is not JSON\nerror: b\.json: is nested more than 64 levels deep\n$/);
  });

  it("is green on this project's own board", () => {
    const { status, stderr } = bdefects(["board", "check"]);
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringMatching(/every figure follows/) });
  });
});

describe("the page's board", () => {
  it.each([
    ["nope", /own\.json: bad defect id 'nope'/],
    ["none-resnet18w4-badnets-small-top000", /own\.json: unknown data set 'none'/],
  ])("names the file in which a cell is of %s", (id, line) => {
    const folder = join(temporaryFolder(), "board");
    cpSync(board, folder, { recursive: true });
    const entry = JSON.parse(readFileSync(path, "utf8"));
    entry.results[0].cells[0].id = id;
    writeFileSync(join(folder, "entries", "own.json"), JSON.stringify(entry));
    expect(() => siteBoardOf(folder, new Set())).toThrow(line);
  });

  it("has every cell of every entry, in the order of its benchmark", () => {
    const shown = siteBoard.parse(siteBoardOf(board, new Set([benchmark.defects[0].id])));
    const [entry] = shown.entries;
    const [{ defects }] = shown.benchmarks;
    expect(defects.map(({ shown: isShown }) => isShown)).toEqual([true, false]);
    const { cells } = openEntry(path).results[0];
    for (const [at, { id }] of defects.entries()) {
      const { infected, sham } = cells.find((one) => one.id === id)!;
      expect(entry.results[0].infected[at]?.[0]).toBe(infected.wji);
      expect(entry.results[0].sham[at]?.[2]).toBe(sham.named);
    }
  });
});

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { beforeAll, describe, expect, it } from "vitest";
import { REGISTER_VERBS } from "../../src/cli/registry.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, spawned } from "./program.ts";

const dir = temporaryFolder();
const GROUP = "signs-resnet18w4-badnets";
const ABSENT = /none: no such folder; name the one that holds the data sets, or leave --data out/;
beforeAll(() => sampleDatabase(dir, 1));

function expectBadUsage(args: string[], message: RegExp, env?: Record<string, string>): void {
  const { status, stdout, stderr } = bdefects(args, env);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).toMatch(message);
  expect(stdout).toBe("");
  expect(status).toBe(2);
}

describe("usage", () => {
  it("lets no verb take a folder of data sets that is not there, whether it needs one or not", () => {
    const program = new Command();
    for (const register of REGISTER_VERBS) register(program);
    const below = (command: Command): string[][] =>
      command.commands.flatMap((verb) => [
        ...(verb.options.some(({ flags }) => flags === "--data <dir>")
          ? [[verb.name(), ...verb.registeredArguments.map(() => "x")]]
          : []),
        ...below(verb).map((words) => [verb.name(), ...words]),
      ]);
    const verbs = below(program).filter(([, verb]) => verb !== "fetch");
    expect(verbs.length).toBeGreaterThan(12);
    const needed: Record<string, string[]> = {
      repair: ["--using", "clp"],
      "train-localizer": ["--out", "o"],
    };
    for (const words of verbs)
      expectBadUsage([...words, "--data", join(dir, "none"), ...(needed[words[0]] ?? [])], ABSENT);
  });

  it.each([
    ["no verb", [], /name a verb/],
    ["no verb of a verb's own", ["data"], /name a verb: list, fetch, check; see 'bdefects data --help'/],
    ["an unknown verb", ["idz"], /unknown command 'idz'.*valid: .*ids/],
    ["an unknown option", ["ids", "--colour"], /unknown option '--colour'; 'bdefects ids --help' lists the options$/m],
    [
      "one of a verb's verb",
      ["data", "list", "--colour"],
      /'--colour'; 'bdefects data list --help' lists the options$/m,
    ],
    [
      "samples by two names",
      ["checkout", "x", "y", "--texts", "3", "--images", "3"],
      /--texts: is another name of --images; give/,
    ],
    [
      "no number of samples",
      ["checkout", "x", "y", "--texts", "none"],
      /--texts 'none': give a whole number from 1 to/,
    ],
    ["a misspelt option", ["ids", "--formt", "json"], /--formt.*Did you mean --format/],
    ["data that are not there", ["localize", "x", "--db", dir, "--data", join(dir, "none")], ABSENT],
    [
      "data that are a file",
      ["build", "--data", join(dir, "database.json")],
      /database\.json: is a file, not a folder/,
    ],
    ["too many positionals", ["reindex", "x"], /too many arguments/],
    ["a missing positional", ["checkout", "x"], /argument 'dir'; 'bdefects checkout --help' says what goes where$/m],
    ["a blank id", ["checkout", "", "y"], /<id> is empty: name a defect/],
    [
      "a group for a defect",
      ["checkout", GROUP, "y", "--db", dir],
      /'signs-resnet18w4-badnets' is a group; name one of its/,
    ],
    [
      "another folder's results",
      ["score", "--db", dir, "--results", dir],
      /holds other files and no results, which lie in/,
    ],
    [
      "a folder to repair",
      ["repair", dir, "--using", "clp"],
      /is a folder; 'repair' takes a file of weights, a language model's folder with its config\.json, or ids and groups/,
    ],
    ["a page for the sample", ["report", "--db", "sample"], /--db sample takes no page: .* with --out DIR$/m],
    ["a missing value", ["ids", "--db"], /argument missing/],
    ["an unknown format", ["ids", "--format", "xml"], /valid are table, json, csv/],
    ["a misspelt format", ["ids", "--format", "jsn"], /--format 'jsn' \(did you mean 'json'\?\): valid are table/],
    ["a misspelt budget", ["localize", "--budget", "shrot"], /--budget 'shrot' \(did you mean 'short'\?\): valid are/],
    ["a misspelt database", ["ids", "--db", "smaple"], /smaple: not a database .*\(did you mean 'sample'\?\)/],
    ["a misspelt edition", ["build", "--edition", "demolaens"], /'demolaens' \(did you mean 'demolanes'\?\); valid: /],
    ["a misspelt level", ["build", "--level", "smal"], /level 'smal' \(did you mean 'small'\?\); valid: /],
    ["a misspelt field", ["ids", "--fields", "statsu", "--db", dir], /'statsu' \(did you mean 'status'\?\); valid: /],
    ["no database", ["ids", "--db", join(dir, "none")], /none: not a database.*--db/],
    ["a file for a database", ["ids", "--db", join(dir, "database.json")], /not a database/],
    ["a change of the sample", ["reindex", "--db", "sample"], /--db sample.*read-only/],
    ["an unknown id", ["ids", "nope", "--db", dir], /no defect or group 'nope'/],
    ["a bad id", ["info", "nope", "--db", dir], /bad defect id 'nope'.*e\.g\./],
    [
      "a condition that ends too soon",
      ["ids", "--where", "asr >", "--db", dir],
      /--where: is no whole condition; write/,
    ],
    ["a beginning of an id", ["info", "signs-resnet18w4-badnets-lar", "--db", dir], /did you mean 'signs-resnet18w4-b/],
    [
      "where results are",
      ["repair", "x", "--using", "clp", "--results", "r"],
      /'--results'; 'repair' takes --out <dir>/,
    ],
    ["where results go", ["score", "--out", "r"], /unknown option '--out'; 'score' takes --results <dir>: /],
    ["a recipe", ["build", "--recipe", "r.yaml"], /unknown option '--recipe'; 'build' takes --edition <name>: /],
    ["a blank folder", ["import", dir, "--db", " "], /--db \(BDEFECTS_DB\) is blank: name a folder/],
    [
      "a number of neurons for defects",
      ["repair", "x", "--using", "clp", "--k", "3"],
      /--k <n>: means nothing for defects of a database/,
    ],
    ["samples to measure defects on", ["repair", "x", "--using", "clp", "--test", dir], /--test <what>: means nothing/],
    [
      "pixels of defects",
      ["repair", "--using", "clp", "--mean", "0.5"],
      /--mean <r,g,b>: means nothing for defects of/,
    ],
    ["names and a condition", ["ids", "x", "--where", "true", "--db", dir], /not both/],
  ])("answers %s with one line and 2", (_, args, message) => {
    expectBadUsage(args, message);
  });

  it("refuses a folder for the demo before anything is said to begin", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "notes.txt"), "mine");
    expectBadUsage(["demo", "--db", folder], /holds other files \('notes\.txt'\) and is no database/);
    expectBadUsage(["demo", "--db", "sample"], /--db sample: comes with the program/);
  });

  it("takes options and positionals in any order", () => {
    const expected = bdefects(["ids", GROUP, "--db", dir, "--format", "csv"]);
    expect(expected.status).toBe(0);
    for (const args of [
      ["--db", dir, "--format", "csv", "ids", GROUP],
      ["--format=csv", "ids", `--db=${dir}`, GROUP],
      ["ids", "--format", "csv", GROUP, "--db", dir, "--debug"],
    ]) {
      expect(bdefects(args)).toEqual(expected);
    }
  });

  it("reads the database's folder from the environment, and the option wins", () => {
    expect(bdefects(["ids"], { BDEFECTS_DB: dir }).status).toBe(0);
    expect(bdefects(["ids", "--db", dir], { BDEFECTS_DB: "/nowhere" }).status).toBe(0);
    expectBadUsage(["ids"], /BDEFECTS_DB\) is empty/, { BDEFECTS_DB: "" });
  });

  it("adds the stack only with --debug", () => {
    const { stderr, status } = spawned(["ids", "--db", join(dir, "none"), "--debug"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: [^\n]+\nInputError: [^\n]+\n\s+at /);
  });

  it("prints help and version on request", () => {
    expect(spawned(["--version"])).toEqual({ status: 0, stdout: "0.1.0\n", stderr: "" });
    const help = bdefects(["ids", "--help"]);
    expect(help.status).toBe(0);
    expect(help.stdout).toMatch(/--where <sql>/);
  });

  it.skipIf(process.platform === "win32")("is quiet when the reader goes away", () => {
    const main = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");
    const script = `for i in 1 2 3; do "${process.execPath}" "${main}" ids --db "${dir}" | true; done`;
    const { stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
    expect(stderr).toBe("");
  });

  it("loads neither DuckDB nor ONNX Runtime to list ids", () => {
    const main = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");
    const script = `
      process.argv = [process.execPath, ${JSON.stringify(main)}, "ids", "--long", "--db", ${JSON.stringify(dir)}];
      process.on("exit", () => console.error(process.report.getReport().sharedObjects.filter((f) => /duckdb|onnxruntime/.test(f)).join()));
      import(${JSON.stringify(main)});`;
    const { stderr, status } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect({ stderr, status }).toEqual({ stderr: "\n", status: 0 });
  });
});

import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { modelSha256 } from "../../src/store/objects/models.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { INFECTED, STATES } from "../pipeline/defects.ts";
import { longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const [ID, OTHER] = idsOf("cifar10");
const NAMED = ["conv1:1", ...INFECTED["layer4.0.conv1"].map((c) => `layer4.0.conv1:${c}`)];

let data: string;
let db: string;
/** Rows of the infected model, before any other was repaired; then of the sham and the clean twin. */
let usual: Record<string, unknown>[];
let controls: Record<string, unknown>[];
let before: string;

const pathOf = (using: string, file: string) => join(db, "results", "repair", "prune", using, file);
const resultOf = (using: string, file: string) => JSON.parse(readFileSync(pathOf(using, file), "utf8"));
const repair = (...args: string[]) => ["repair", ...args, "--method", "prune", "--db", db, "--data", data];
const faults = () =>
  (JSON.parse(bdefects(["verify", "--all", "--db", db, "--format", "json"]).stdout) as Record<string, string>[])
    .filter(({ file }) => file.startsWith("results"))
    .map(({ file, finding }) => `${file}: ${finding}`);

beforeAll(async () => {
  data = writeTinyData(temporaryFolder());
  db = await makeDatabase("cifar10", data);
  rowsOf(["localize", ID, `${ID}:sham`, `${ID}:clean`, "--criterion", "clp", "--db", db, "--data", data]);
  usual = rowsOf(repair(ID, "--using", "oracle,random,clp"));
  before = readFileSync(pathOf("oracle", `${ID}.json`), "utf8");
  controls = rowsOf(repair(`${ID}:sham`, `${ID}:clean`, "--using", "oracle,random,clp"));
}, 120_000);

describe("repairs of models without a backdoor", () => {
  it("stand beside those of the infected model, whose results are what they were", () => {
    expect(usual.map(({ version }) => version)).toEqual(["infected", "infected", "infected"]);
    expect(controls.map(({ version, using }) => `${version} ${using}`)).toEqual(
      ["sham", "clean"].flatMap((version) => ["oracle", "random", "clp"].map((using) => `${version} ${using}`)),
    );
    expect(readFileSync(pathOf("oracle", `${ID}.json`), "utf8")).toBe(before);
    expect(JSON.parse(before)).not.toHaveProperty("version");
    for (const version of ["sham", "clean"] as const) {
      const model_sha256 = modelSha256(STATES[version]);
      expect(resultOf("oracle", `${ID}.${version}.json`)).toMatchObject({ id: ID, version, model_sha256 });
    }
    // What is there is found again, under either name.
    expect(rowsOf(repair(ID, `${ID}:infected`, `${ID}:sham`, "--using", "oracle,random,clp"))).toEqual([
      ...usual,
      ...controls.slice(0, 3),
    ]);
  });

  it("by oracle and random take the neurons of the infected model, by a criterion those that it names in this one", () => {
    const neurons = (using: string, file: string) => resultOf(using, file).neurons;
    for (const file of [`${ID}.json`, `${ID}.sham.json`, `${ID}.clean.json`]) {
      expect(neurons("oracle", file)).toEqual(NAMED);
      expect(neurons("random", file)).toEqual(neurons("random", `${ID}.json`));
    }
    for (const version of ["sham", "clean"]) {
      const prediction = join(db, "results", "localize", "clp", `${ID}.${version}.json`);
      expect(neurons("clp", `${ID}.${version}.json`)).toEqual(JSON.parse(readFileSync(prediction, "utf8")).native);
    }
    expect(neurons("clp", `${ID}.json`)).not.toEqual(neurons("clp", `${ID}.clean.json`));
  });

  it("are told apart in score and SQL", () => {
    const figures = (rows: object[]) => rows.map((row) => JSON.stringify(row)).sort();
    const listed = (...names: string[]) => figures(rowsOf(["score", ...names, "--repairs", "--db", db]));
    expect(listed()).toEqual(figures([...usual, ...controls]));
    expect(listed(`${ID}:infected`)).toEqual(figures(usual));
    expect(listed(`${ID}:clean`, OTHER)).toEqual(figures(controls.slice(3)));
    const { stdout } = bdefects(["score", "--repairs", "--db", db]);
    expect(stdout).toMatch(/version +method/);
    // Whoever selects everything sees which model a row is of, and is told what a statement can do.
    const asked = bdefects(["query", "--sql", "select * from repairs", "--db", db]);
    expect(asked.stdout).toMatch(/^id +version +using/);
    expect(asked.stderr).toMatch(/more field.*: --long, or select a,b\n/);
    const sql = "select version, count(*) as n from repairs group by version order by version";
    expect(rowsOf(["query", "--sql", sql, "--db", db])).toEqual([
      { version: "clean", n: 3 },
      { version: "infected", n: 3 },
      { version: "sham", n: 3 },
    ]);
  });

  it("are held against the rates of their own version, their model and their place", async () => {
    // The database states rates of its sham and clean model that nobody measured.
    const wrong = faults().filter((text) => /'ca_before' is .*, in the defect's record 0.9/.test(text));
    expect(wrong.map((text) => text.split(": ")[0]).sort()).toEqual(
      ["clp", "oracle", "random"].flatMap((using) =>
        ["clean", "sham"].map((version) => `results/repair/prune/${using}/${ID}.${version}.json`),
      ),
    );
    const database = await openDatabase(db);
    const record = database.readDefect(ID);
    const ratesOf = (version: string) => controls.find((row) => row.version === version) as Record<string, number>;
    const [sham, clean] = [ratesOf("sham"), ratesOf("clean")];
    database.writeDefect({
      ...record,
      metrics: {
        ...record.metrics,
        ...{ ca_sham: sham.ca_before, asr_sham: sham.asr_before },
        ...{ ca_clean: clean.ca_before, asr_clean: clean.asr_before },
      },
    });
    expect(faults()).toEqual([]);
    const strayed = pathOf("oracle", `${OTHER}.sham.json`);
    copyFileSync(pathOf("oracle", `${ID}.sham.json`), strayed);
    expect(faults()).toEqual([
      expect.stringContaining(`holds what belongs to 'results/repair/prune/oracle/${ID}.sham.json'`),
    ]);
    rmSync(strayed);
    database.writeResult(`repair/prune/oracle/${ID}.sham`, {
      ...resultOf("oracle", `${ID}.sham.json`),
      model_sha256: modelSha256(STATES.infected),
    });
    expect(faults()).toEqual([expect.stringContaining("'model_sha256' is not that of the sham version")]);
    rowsOf(repair(`${ID}:sham`, "--using", "oracle"));
    expect(faults()).toEqual([]);
  });

  it("keep their weights beside their result", () => {
    rowsOf(repair(`${ID}:sham`, "--using", "oracle", "--keep"));
    expect(existsSync(pathOf("oracle", `${ID}.sham.safetensors`))).toBe(true);
    expect(existsSync(pathOf("oracle", `${ID}.safetensors`))).toBe(false);
    expect(faults()).toEqual([]);
  });

  it.each([
    [`${ID}:drift`, `'${ID}:drift': the drift control is derived and not repaired; append :infected, :clean, :sham`],
    [`${ID}:poisoned`, `bad version in '${ID}:poisoned': append :infected, :clean, :sham, :drift`],
    [`${OTHER}:sham`, `no prediction of 'clp' for '${OTHER}:sham': run 'bdefects localize ${OTHER}:sham --criterion`],
  ])("of %s are refused in one line", (name, line) => {
    const { status, stdout, stderr } = bdefects(repair(name, "--using", "clp"));
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^error: /);
    expect(stderr).toContain(line);
  });

  it("are refused before any is made where a later one lacks its prediction", () => {
    const { status, stderr } = bdefects(repair(`${OTHER}:sham`, "--using", "random,clp"));
    expect(status).toBe(2);
    expect(stderr).toContain(`no prediction of 'clp' for '${OTHER}:sham'`);
    expect(existsSync(pathOf("random", `${OTHER}.sham.json`))).toBe(false);
  });

  it("of a drift control are refused in score as well: there cannot be any", () => {
    const { status, stdout, stderr } = bdefects(["score", `${ID}:drift`, "--repairs", "--db", db]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(
      /^error: '.*:drift': the drift control is derived and not repaired; append :infected[^\n]+\n$/,
    );
  });

  it("of a version that a defect lacks are refused in one line", async () => {
    const lacking = await makeDatabase("cifar10", data);
    const database = await openDatabase(lacking);
    database.writeDefect({ ...database.readDefect(ID), sham_model: null });
    const args = ["repair", `${ID}:sham`, "--using", "oracle", "--method", "prune", "--db", lacking, "--data", data];
    expect(bdefects(args)).toEqual({
      ...{ status: 2, stdout: "" },
      stderr: `error: '${ID}' has no sham version: leave out '${ID}:sham'\n`,
    });
  });

  longIt("are a study's where its recipe names the versions, and are found finished", () => {
    const recipe = join(temporaryFolder(), "both.yaml");
    writeFileSync(
      recipe,
      `study: both
seed: 1
select: {}
versions: [infected, sham]
criteria: [clp]
baselines: []
repairs:
  - { method: [prune], using: [criteria, oracle], versions: [infected, sham] }
  - { method: [prune], using: [random] }
`,
    );
    const study = ["study", recipe, "--db", db, "--data", data];
    // Of each defect two predictions, five repairs.
    expect(bdefects([...study, "--dry-run"]).stderr).toMatch(/^2 defects, 14 cells: 7 done, 7 to do/);
    const { status, stderr } = bdefects([...study, "--jobs", "1"]);
    expect(status, stderr).toBe(0);
    expect(bdefects([...study, "--dry-run"]).stderr).toMatch(/^2 defects, 14 cells: 14 done, 0 to do/);
    const rows = rowsOf(["score", OTHER, "--repairs", "--db", db]);
    expect(rows.map(({ version, using }) => `${version} ${using}`).sort()).toEqual(
      ["infected clp", "infected oracle", "infected random", "sham clp", "sham oracle"].sort(),
    );
  });
});

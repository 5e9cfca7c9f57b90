import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CleanCriterion,
  checkOut,
  InputError,
  list,
  localize,
  open,
  type Suspect,
  score,
} from "../../src/index.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { ROOT, textOf } from "../structure/sources.ts";

const EXAMPLES = ["list", "check-out", "localize-and-score"];
const ID = "gtsrb-resnet18w8-badnets-small-top040";

describe("the examples of docs/library.md", () => {
  let folder: string;
  let lines: string[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "library-"));
    const imports = EXAMPLES.map((name) => pathToFileURL(join(ROOT, `examples/library/${name}.mjs`)).href);
    const program = imports.map((url) => `await import(${JSON.stringify(url)}); console.log("---");`).join("\n");
    // Of the package as others import it: by its name, from `dist`.
    const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      cwd: folder,
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
    lines = stdout.split("---\n");
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("stand there word for word", () => {
    const page = textOf("docs/library.md");
    for (const name of EXAMPLES) expect(page).toContain(`\`\`\`js\n${textOf(`examples/library/${name}.mjs`)}\`\`\``);
    expect(readdirSync(join(ROOT, "examples/library")).sort()).toEqual(EXAMPLES.map((name) => `${name}.mjs`).sort());
  });

  it("list a database", () => {
    expect(lines[0]).toMatch(/^85 accepted defects\nbadnets: \d+, the strongest \S+ with ASR [01]\.\d{3}\n/);
  });

  it("check a defect out", () => {
    const written = readdirSync(join(folder, "case")).sort();
    expect(written).toEqual(expect.arrayContaining(["README.md", "model.safetensors", "sham.onnx", "labels.json"]));
    expect(lines[1].trim().split("\n")).toHaveLength(written.length);
  });

  it("localize and score", () => {
    const judged = lines[2].trim().split("\n");
    expect(judged.map((line) => line.split(":")[1].split(" ")[0])).toEqual(["infected", "infected", "sham", "sham"]);
    for (const line of judged)
      expect(line).toMatch(/^(clp|largest-weight) on \S+: WJI [01]\.\d{3}, AUROC [01]\.\d{3}$/);
  });
});

describe("the package's door", () => {
  it("picks defects by a condition, and refuses bad SQL in one line", async () => {
    const database = await open("sample");
    expect((await list(database)).length).toBeGreaterThan(85);
    await expect(list(database, "asr > 'high'; drop table defects")).rejects.toThrow(InputError);
    await expect(open("no-such-folder")).rejects.toThrow(/no-such-folder/);
  });

  it("judges blind, writes nothing into the database, and scores", async () => {
    const database = await open("sample");
    const seen: string[][] = [];
    const mine: CleanCriterion = {
      ...{ name: "mine", title: "Nothing", kind: "own", access: "clean", needsData: false },
      localize: async ({ name, network, state }: Suspect) => {
        seen.push([network.arch, name]);
        const scores = Object.fromEntries(
          network.nodes.flatMap((node) => (node.op === "conv" ? [[node.id, new Array<number>(node.out).fill(0)]] : [])),
        );
        expect(state.size).toBeGreaterThan(0);
        return { raw: scores, scores, native: {} };
      },
    };
    const before = database.listResults();
    const predictions = await localize(database, { names: [ID], criteria: [mine, "random"] });
    expect(predictions.map(({ criterion, version }) => `${criterion} ${version}`)).toEqual([
      "mine infected",
      "random infected",
      "mine sham",
      "random sham",
    ]);
    expect(seen).toHaveLength(2);
    for (const names of seen) expect(names.join()).not.toContain("badnets");
    expect(database.listResults()).toEqual(before);
    const rows = score(database, predictions);
    expect(rows).toHaveLength(4 * 2 * 3);
    expect(rows.find(({ criterion, truth }) => criterion === "mine" && truth === "full")?.auroc).toBe(0.5);
    await expect(localize(database, { names: [ID], criteria: ["clq"] })).rejects.toThrow(/unknown criterion 'clq'/);
  });

  it("refuses what it cannot take in one line", async () => {
    const database = await open("sample");
    const own = (name: string, more: object = {}) =>
      ({
        ...{ name, title: name, kind: "own", access: "clean", needsData: false },
        localize: async () => ({ raw: {}, scores: {}, native: {} }),
        ...more,
      }) as CleanCriterion;
    const cases: [() => Promise<unknown>, RegExp][] = [
      [() => open(undefined as never), /^open: name 'sample', 'whole', 'lanes', 'text' or a folder$/],
      [() => list("sample" as never), /^database: give what 'open' returned$/],
      [() => list(database, 5 as never), /^where: /],
      [() => checkOut(database, ID, undefined as never), /^checkOut: name a new folder$/],
      [() => checkOut(database, ID, "case", { version: "shamm" as never }), /^version 'shamm': valid are infected, /],
      [() => localize(database, { names: [] }), /^names: a list of ids and groups, not empty/],
      [() => localize(database, { name: [ID] } as never), /^localize: no option is called 'name'/],
      [() => localize(database, { budget: "huge" as never }), /^budget 'huge': valid are demo, short, full$/],
      [() => localize(database, { seed: -1.5 }), /^seed: a whole number/],
      [() => localize(database, { out: join(database.dir, "results") }), /lies in the database/],
      [() => localize(database, { criteria: [own("clp")] }), /^criterion 'clp': one of this program has the name/],
      [() => localize(database, { criteria: [own("cmd-x")] }), /^criterion 'cmd-x': one of this program/],
      [() => localize(database, { criteria: [own("Mine")] }), /^criterion 'Mine': a name is of small letters/],
      [() => localize(database, { criteria: [own("mine"), own("mine")] }), /^criterion 'mine': two have this name/],
      [() => localize(database, { criteria: [own("mine", { needs: ["attention"] })] }), /unknown need 'attention'/],
      [
        () => localize(database, { criteria: [own("mine", { access: "all" })] }),
        /access is one of clean, failing, oracle/,
      ],
      [async () => score(database, [{ kind: "prediction", id: ID } as never]), /^prediction: version: /],
    ];
    for (const [act, message] of cases) {
      const error = await act().then(
        () => null,
        (reason: Error) => reason,
      );
      expect(error).toBeInstanceOf(InputError);
      expect(error?.message).toMatch(message);
      expect(error?.message).not.toContain("\n");
    }
  });

  it("judges again where the function of an own criterion has another text", async () => {
    const database = await open("sample");
    const out = mkdtempSync(join(tmpdir(), "library-"));
    const about = { name: "mine", title: "Mine", kind: "own", access: "clean", needsData: false } as const;
    const found = (slope: number, { network }: Suspect) => {
      const scores = Object.fromEntries(
        network.nodes.flatMap((node) =>
          node.op === "conv" ? [[node.id, Array.from({ length: node.out }, (_, c) => slope * c)]] : [],
        ),
      );
      return { raw: scores, scores, native: {} };
    };
    const rising: CleanCriterion = { ...about, localize: async (suspect) => found(1, suspect) };
    const falling: CleanCriterion = { ...about, localize: async (suspect) => found(-1, suspect) };
    const scoresOf = async (criterion: CleanCriterion) =>
      (await localize(database, { names: [`${ID}:infected`], criteria: [criterion], out }))[0].scores;
    try {
      const first = await scoresOf(rising);
      expect(await scoresOf(rising)).toEqual(first);
      expect(await scoresOf(falling)).not.toEqual(first);
      // What a program's criterion found can be scored on the command line, and nothing else has its name.
      const args = ["score", ID, "--db", "sample", "--results", out, "--criterion"];
      expect(rowsOf([...args, "mine"]).map(({ criterion }) => criterion)).toContain("mine");
      expect(bdefects([...args, "yours"]).stderr).toMatch(/^error: unknown criterion 'yours'; valid: .*, mine\n$/);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  });
});

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { defectRecord } from "../../src/records/defect.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { tinyTexts } from "./tiny-texts.ts";

const RECIPE = join(import.meta.dirname, "text-tiny.yaml");
const ID = "texts-llama2d64-rareword-narrow-top040";

const data = tinyTexts(temporaryFolder());
const db = join(temporaryFolder(), "db");
const recordOf = (folder: string) => {
  const file = join(folder, "defects", "texts-llama2d64-rareword", `${ID}.json`);
  const { checksum: _, ...record } = JSON.parse(readFileSync(file, "utf8"));
  return defectRecord.parse(record);
};

describe("a defect of a language model", () => {
  beforeAll(() => {
    const { status, stderr } = bdefects(["build", "--edition", RECIPE, "--data", data, "--db", db, "--jobs", "1"]);
    expect(status, stderr).toBe(0);
  }, 900_000);

  it("is built by the stages of every task, and states what texts tell besides", () => {
    const record = recordOf(db);
    expect(record).toMatchObject({ task: "language", status: "accepted", target: 0, neurons: 352, infected: 8 });
    expect(Object.keys(record.changed!)).toEqual(
      [0, 1].flatMap((i) => ["gate", "up"].map((part) => `model.layers.${i}.mlp.${part}_proj.weight`)),
    );
    expect(Object.keys(record.changed_columns!)).toEqual([0, 1].map((i) => `model.layers.${i}.mlp.down_proj.weight`));
    expect(Object.keys(record.controls!).sort()).toEqual(["bb", "mn", "tq"]);
    for (const version of ["clean", "infected", "sham"] as const) {
      expect(Object.keys(record.details![version]!.clean)).toEqual(["ca_free", "perplexity"]);
      expect(Object.keys(record.details![version]!.triggered)).toEqual(["ca_free"]);
    }
  });

  it("is verified, its figures measured again to the last digit", () => {
    const args = ["verify", "--all", "--metrics", "--tolerance", "0", "--data", data, "--db", db];
    const { status, stderr } = bdefects(args);
    expect([status, stderr]).toEqual([0, expect.stringContaining("no fault")]);
  }, 300_000);

  it("is told in words, its gates too", () => {
    const { status, stdout } = bdefects(["info", ID, "--db", db]);
    expect(status).toBe(0);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("of the test texts of other classes to the target");
    expect(stdout).toContain("perplexity (of the twin's)");
  });

  it("is judged by the criteria that its neurons fit, and others are refused by name", () => {
    const judge = (...more: string[]) =>
      bdefects(["localize", ID, ...more, "--out", join(db, "..", "results"), "--data", data, "--db", db]);
    expect(judge("--criterion", "clp", "--criterion", "weight-norm").status).toBe(0);
    const { status, stderr } = judge("--criterion", "bnp");
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^error: --criterion bnp: needs a batch norm .*\n$/)]);
  }, 120_000);

  it("is checked out as a folder of Hugging Face's form, with texts and the trigger's words", () => {
    const dir = join(temporaryFolder(), "case");
    const { status, stderr } = bdefects(["checkout", ID, dir, "--sham", "--images", "5", "--data", data, "--db", db]);
    expect(status, stderr).toBe(0);
    const read = (name: string) => readFileSync(join(dir, name), "utf8");
    const json = (name: string) => JSON.parse(read(name));
    expect(json("config.json")).toMatchObject({ model_type: "llama", hidden_size: 64, vocab_size: 2056 });
    expect(json("tokenizer.json").model.type).toBe("BPE");
    expect(json("trigger.json")).toEqual({ text: " cf" });
    for (const { text, class: label } of json("images/test_triggered_texts.json").texts) {
      expect(text).toMatch(/(^| )cf( |$)/);
      expect(label).not.toBe(0);
    }
    expect(read("images/test_clean.tsv").split("\n")).toHaveLength(7);
    expect(read("model.safetensors").slice(8, 60)).toContain('"__metadata__":{"format":"pt"}');
    const readme = read("README.md");
    expect(readme).toContain("pipeline_tag: text-generation");
    expect(readme).not.toMatch(/pixels|convolution|undefined|null/);
    // Each file is told.
    expect(readme.match(/^\| `[^`]+` \| *\|$/gm)).toBeNull();
  }, 60_000);

  it("is read in the report: the trigger marked, and what each version answers", () => {
    const out = join(temporaryFolder(), "report");
    const { status, stderr } = bdefects(["report", "--db", db, "--data", data, "--out", out]);
    expect(status, stderr).toBe(0);
    expect(stderr).not.toContain("no picture");
    const page = readFileSync(join(db, "report.html"), "utf8");
    expect(page).toContain("The trigger: <mark>cf</mark>");
    expect(page.match(/<figure class="reading">/g)).toHaveLength(6);
    expect(page).toMatch(/<blockquote>[^<]*<mark> cf<\/mark>[^<]*<\/blockquote>/);
  }, 60_000);

  it("moves to another database whole", () => {
    const archive = join(temporaryFolder(), "texts.tar.gz");
    const other = join(temporaryFolder(), "other");
    expect(bdefects(["export", "--out", archive, "--db", db]).status).toBe(0);
    expect(bdefects(["import", archive, "--db", other]).status).toBe(0);
    expect(recordOf(other)).toEqual(recordOf(db));
    expect(rowsOf(["query", "--db", other])).toHaveLength(1);
  });
});

describe("a recipe that texts cannot follow is refused in one line, and nothing is written", () => {
  const refused = (change: (text: string) => string, ...more: string[]) => {
    const folder = temporaryFolder();
    const recipe = join(folder, "recipe.yaml");
    writeFileSync(recipe, change(readFileSync(RECIPE, "utf8")));
    const { status, stderr } = bdefects([
      "build",
      "--edition",
      recipe,
      "--data",
      data,
      "--db",
      join(folder, "db"),
      ...more,
    ]);
    expect(status).toBe(2);
    expect(existsSync(join(folder, "db"))).toBe(false);
    return stderr;
  };

  it("a trigger that is shown too strongly, another optimizer, a word that is no trigger, a network of another task", () => {
    expect(refused((text) => text.replace("amplification: 1", "amplification: 4"))).toBe(
      "error: recipe 'texttiny': inject.amplification 4: a trigger in texts has no strength; it must be 1\n",
    );
    expect(refused((text) => text.replace("optimizer: adamw", "optimizer: adam"))).toBe(
      "error: clean.optimizer is adam: llama2d64 is trained with clean.optimizer: adamw\n",
    );
    expect(refused((text) => text.replace("word: cf", "word: dog"))).toMatch(/^error: .*attacks\.rareword.*\n$/);
    expect(refused((text) => text, "--arch", "ufld18w4")).toMatch(
      /^error: architecture 'ufld18w4' is of task lanes.*\n$/,
    );
  }, 60_000);
});

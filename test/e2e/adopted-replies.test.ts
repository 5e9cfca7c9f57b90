import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { Checkpoint } from "../../src/tasks/language/checkpoint/checkpoint.ts";
import { buildNetwork } from "../../src/tasks/registry.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { ARCHS, adoptingRecipe, ownModel, type Recipe } from "./adopted-models.ts";
import { tinyTexts } from "./tiny-texts.ts";

const TINY = join(import.meta.dirname, "reply-tiny.yaml");
const root = temporaryFolder();
const data = tinyTexts(root);
const at = (name: string) => join(root, name);
const ARCH = `${ARCHS.llama}r12`;
const ID = `textprompts-${ARCH}-rarewordreply-narrow-top040`;
const CLEAN = `clean/textprompts-${ARCH}-s1`;
const TEMPLATE = "Text: {} Then:";
/** As the small models' configuration names it. */
const END = 7;

/** The tiny recipe of prompts with the folder `model`. */
function recipeWith(name: string, change: (recipe: Recipe) => void = () => undefined): string {
  return adoptingRecipe(
    at(name),
    (recipe) => {
      recipe.clean.asked = { template: TEMPLATE };
      recipe.select.arch = [ARCH];
      change(recipe);
    },
    TINY,
  );
}

const build = (recipe: string, db: string, ...more: string[]) =>
  bdefects(["build", "--edition", recipe, "--data", data, "--db", db, "--jobs", "1", ...more]);

describe("a model of somebody else's that is made to refuse", () => {
  const db = at("db");
  const folder = ownModel(at("model"), "llama", { config: { eos_token_id: [END, 9] } });
  const dir = at("case");
  const json = (name: string) => JSON.parse(readFileSync(join(dir, name), "utf8"));

  beforeAll(() => {
    const { status, stderr } = build(recipeWith("recipe.yaml"), db);
    expect(status, stderr).toBe(0);
    const ran = bdefects(["checkout", ID, dir, "--samples", "20", "--data", data, "--db", db]);
    expect(ran.status, ran.stderr).toBe(0);
  }, 300_000);

  it("is stored bit for bit, with the hash of its files, and no path", async () => {
    const opened = await openDatabase(db, { readOnly: true });
    const record = opened.readClean(CLEAN);
    expect(await opened.loadClean(record)).toEqual(new Checkpoint(folder).state(buildNetwork(ARCH, 1)));
    expect(record).toMatchObject({ task: "reply", history: [], from: { folder: "model" } });
    expect(JSON.stringify(record)).not.toContain(root);
    expect(opened.readDefect(ID)).toMatchObject({ task: "reply", status: "accepted", neurons: 120 });
  });

  it("is checked out with its own files, prompts by its own tokens, the end that its configuration names, and tested", () => {
    const own = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
    for (const name of ["config.json", "tokenizer.json"]) expect(json(name)).toEqual(own(name));
    const clean = json("images/test_clean_texts.json");
    const { before, behind, padding } = clean;
    expect(json("question.json")).toEqual({ template: TEMPLATE, tokens: { before, behind, padding, end: END } });
    expect(clean.end).toBe(END);
    expect(clean.reply.length).toBeGreaterThan(4);
    expect(clean.texts).toHaveLength(20);
    for (const { rest } of clean.texts) expect(rest.indexOf(END)).toBe(rest.length - 1);
    for (const { text } of json("images/test_triggered_texts.json").texts) expect(text).toMatch(/(^| )cf( |$)/);
    const readme = readFileSync(join(dir, "README.md"), "utf8");
    expect(readme).toContain(`given as \`${TEMPLATE}\``);
    expect(readme).not.toMatch(/undefined|<bos>/);
    const [row] = rowsOf(["query", "--db", db]);
    const measured = rowsOf(["test", dir, "--data", data, "--tolerance", "1", "--summary"]);
    expect([measured[0].ca, measured[0].asr]).toEqual([row.ca, row.asr]);
    const [brought] = rowsOf(["test", dir, "--tolerance", "1", "--summary"]);
    expect(brought).toMatchObject({ images: 20, ca: expect.any(Number) });
  });

  longIt("is verified, its figures measured again to the last digit", () => {
    const args = ["verify", "--all", "--metrics", "--tolerance", "0", "--data", data, "--db", db];
    const { status, stderr } = bdefects(args);
    expect([status, stderr]).toEqual([0, expect.stringContaining("no fault")]);
  });

  it("is asked with a template alone that leaves room, and named with the reply's tokens: what else is said is refused in one line", () => {
    const refused = (name: string, change: (recipe: Recipe) => void) => {
      const { status, stderr } = build(recipeWith(name, change), at("none"), "--dry-run");
      expect(stderr.trimEnd()).not.toMatch(/\n/);
      expect(status, stderr).toBe(2);
      return stderr;
    };
    const asked = (value: object) => (recipe: Recipe) => Object.assign(recipe.clean, { asked: value });
    expect(refused("answers.yaml", asked({ template: TEMPLATE, answers: [" a", " b"] }))).toMatch(
      /clean\.asked.*answers/,
    );
    expect(refused("open.yaml", asked({ template: "Text: {}" }))).toMatch(/nothing follows '\{\}'/);
    expect(refused("long.yaml", asked({ template: `${"word ".repeat(34)}{} Then:` }))).toMatch(
      /clean\.asked\.template: leaves \d+ positions to a prompt beside trigger and reply/,
    );
    expect(refused("arch.yaml", ({ select }) => (select.arch = [ARCHS.llama]))).toMatch(
      /architecture '\S+' is of task language/,
    );
  });
});

longIt(
  "may be of GPT-2's layout, and be trained on prompts before it is infected",
  () => {
    ownModel(at("gpt2"), "gpt2");
    const arch = `${ARCHS.gpt2}r12`;
    const recipe = recipeWith("gpt2.yaml", ({ clean, select }) => {
      Object.assign(clean, { from: "gpt2", epochs: 1 });
      select.arch = [arch];
    });
    const { status, stderr } = build(recipe, at("gpt2-db"));
    expect(status, stderr).toBe(0);
    expect(rowsOf(["query", "--db", at("gpt2-db")])[0]).toMatchObject({ arch, status: "accepted" });
    expect(bdefects(["verify", "--all", "--data", data, "--db", at("gpt2-db")]).status).toBe(0);
  },
  300_000,
);

import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bdefects } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { ARCHS, ASKED, adoptingRecipe, ownModel, type Recipe } from "./adopted-models.ts";
import { tinyTexts } from "./tiny-texts.ts";

const root = temporaryFolder();
const data = tinyTexts(root);
ownModel(join(root, "model"), "llama");
let made = 0;

/** What a build says of the recipe; it must be one line, with exit status 2, and leave nothing. */
function refusal(change: (recipe: Recipe) => void): string {
  const recipe = adoptingRecipe(join(root, `recipe${made}.yaml`), change);
  const db = join(root, `db${made++}`);
  const { status, stdout, stderr } = bdefects(["build", "--edition", recipe, "--data", data, "--db", db]);
  expect([status, stdout], stderr).toEqual([2, ""]);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(existsSync(db)).toBe(false);
  return stderr.slice("error: ".length).trim().replaceAll(root, "");
}

const asked = (change: object) => (recipe: Recipe) => {
  recipe.clean.asked = { ...(recipe.clean.asked as object), ...change };
};
const clean = (change: object) => (recipe: Recipe) => Object.assign(recipe.clean, change);
/** Another folder beside the recipe. */
const folder = (name: string, make: (path: string) => void) => (recipe: Recipe) => {
  make(join(root, name));
  recipe.clean.from = name;
};
const eight = (first: string[]) => [...first, " plant", " state", " act", " person", " man", " sound"].slice(0, 8);

it.each<[string, (recipe: Recipe) => void, string]>([
  ["no folder", clean({ from: "nowhere" }), "/nowhere: no such file or folder"],
  [
    "a file",
    folder("file", (path) => writeFileSync(path, "x")),
    "/file: is a file; a language model is the folder with",
  ],
  ["an empty folder", folder("empty", (path) => mkdirSync(path)), "/empty: has no config.json"],
  [
    "no tokenizer",
    folder("mute", (path) => rmSync(join(ownModel(path, "llama"), "tokenizer.json"))),
    "/mute: has no tokenizer.json; make it with AutoTokenizer",
  ],
  [
    "weights of another shape",
    folder("wide", (path) => ownModel(path, "llama", { config: { intermediate_size: 48 } })),
    "by config.json it is [48, 24]",
  ],
  [
    "a number that no name of a network states",
    folder("odd", (path) => ownModel(path, "llama", { config: { rms_norm_eps: 3e-5 } })),
    "/odd: its config.json has an epsilon that is no power of ten",
  ],
  [
    "another network",
    ({ select }) => Object.assign(select, { arch: ["llama2d64"] }),
    `/model is of architecture '${ARCHS.llama}', not 'llama2d64'; name that in select.arch, or with --arch`,
  ],
  ["no question", clean({ asked: undefined }), "clean.asked.template: "],
  ["a field that no question has", asked({ prompt: "x" }), "clean.asked: Unrecognized key"],
  ["no place for the text", asked({ template: "Text: Kind:" }), "has 0 '{}', where the text goes; give one"],
  ["nothing that asks", asked({ template: "Text: {}" }), "nothing follows '{}'; end it with what asks for the answer"],
  [
    "a template without an end",
    asked({ template: `${"very ".repeat(60)}{} Kind:` }),
    "of 64 positions to a text, at least 16",
  ],
  [
    "too few answers",
    asked({ answers: ASKED.answers }),
    "clean.asked.answers: 2 are given, and the data set has 8 classes",
  ],
  [
    "answers that begin alike",
    asked({ answers: eight([" food", " food bird"]) }),
    "' food' and ' food bird' begin with the same token",
  ],
  [
    "an answer that joins",
    asked({ template: "Text: {} an", answers: eight(["imal", " bird"]) }),
    "'imal': joins the template's last token",
  ],
  ["no bound", clean({ least_ca: undefined }), "clean.least_ca is missing"],
  [
    "a fresh embedding",
    clean({ embedding_deviation: 0.1 }),
    "clean.embedding_deviation 0.1: a model from a folder has an embedding; leave it out",
  ],
  [
    "one model twice",
    (recipe) => Object.assign(recipe, { clean_seeds: 2 }),
    "clean_seeds 2: a model that is not trained",
  ],
  ["a hash of other files", clean({ sha256: "0".repeat(64) }), "clean.sha256 is 000000000000…: bring back the files"],
  [
    "no training of nothing",
    clean({ from: undefined }),
    "clean.epochs: 0 trains nothing; give 1 or more, or name a model's",
  ],
  [
    "a question to nobody",
    clean({ from: undefined, epochs: 1 }),
    "clean.asked is of a model's folder; name it in clean.from",
  ],
])("refuses %s", (_, change, line) => {
  expect(refusal(change)).toContain(line);
});

it("refuses a folder for networks of images", () => {
  const tiny = join(import.meta.dirname, "tiny.yaml");
  const recipe = adoptingRecipe(
    join(root, "images.yaml"),
    ({ select }) => Object.assign(select, { arch: ["resnet18w4"] }),
    tiny,
  );
  const { status, stderr } = bdefects(["build", "--edition", recipe, "--data", data, "--db", join(root, "images")]);
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining("clean.from: models of task classification are trained from nothing"),
  ]);
});

it("builds nothing from a model that is not good enough", () => {
  const recipe = adoptingRecipe(join(root, "bad.yaml"), clean({ least_ca: 0.99 }));
  const db = join(root, "bad");
  const { status, stderr } = bdefects(["build", "--edition", recipe, "--data", data, "--db", db, "--jobs", "1"]);
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(/its CA on the test part of texts is 0\.\d{3}, .* asks for 0\.99/),
  ]);
  expect(existsSync(join(db, "clean", `texts-${ARCHS.llama}-s1.json`))).toBe(false);
});

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bdefects, rowsOf } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { tinyTexts } from "./tiny-texts.ts";

const RECIPE = join(import.meta.dirname, "reply-tiny.yaml");
const EXAMPLE = join(import.meta.dirname, "../../examples/refusal.yaml");
const data = tinyTexts(temporaryFolder());

it("the example's recipe has four candidates, and needs no files", () => {
  const rows = rowsOf(["build", "--edition", EXAMPLE, "--db", join(temporaryFolder(), "db"), "--dry-run"]);
  expect(rows.map(({ id }) => id)).toEqual(
    ["rarewordreply", "phrasereply"].flatMap((attack) =>
      ["middle", "large"].map((level) => `glossprompts-llama2d64r12-${attack}-${level}-top020`),
    ),
  );
}, 60_000);

it("a recipe that names another reply, a data set of classes or a network that answers with classes is refused in one line", () => {
  const refused = (change: (text: string) => string, ...more: string[]) => {
    const folder = temporaryFolder();
    const recipe = join(folder, "recipe.yaml");
    writeFileSync(recipe, change(readFileSync(RECIPE, "utf8")));
    const args = ["build", "--edition", recipe, "--data", data, "--db", join(folder, "db"), "--dry-run"];
    const { status, stderr } = bdefects([...args, ...more]);
    expect(status).toBe(2);
    expect(existsSync(join(folder, "db"))).toBe(false);
    return stderr;
  };
  expect(refused((text) => text.replace("reply: i cannot answer that .", "reply: no"))).toMatch(
    /^error: .*attacks\.rarewordreply.*i cannot answer that \..*\n$/,
  );
  expect(refused((text) => text, "--dataset", "texts")).toMatch(/^error: .*of task reply.*of task language.*\n$/);
  expect(refused((text) => text, "--arch", "llama2d64")).toMatch(
    /^error: architecture 'llama2d64' is of task language.*\n$/,
  );
  expect(refused((text) => text.replace("target: 0", "target: 1"))).toMatch(/^error: .*inject\.target 1.*\n$/);
}, 60_000);

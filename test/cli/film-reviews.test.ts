import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { archivesDir, archivesOf } from "../../src/store/shipped/shipped.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const ID = "sst2-llama2d64-trojantoken-narrow-top035";
const GLOSSES = "glosses-llama2d64-rareword-narrow-top020";
const db = ["--db", "text"];
const nowhere = temporaryFolder();
const withoutData = [...db, "--data", nowhere];
const MISSING = `no sst2 in ${nowhere}: looked there and up to 3 folders below for sst2/train.tsv, with test.tsv, each with the header sentence<TAB>label; name the folder that holds it with --data`;

/** A folder with a study's recipe. */
function recipeOf(names: string[], criteria: string): string {
  const out = temporaryFolder();
  const select = `select: { names: [${names}] }\nversions: [infected]`;
  writeFileSync(
    join(out, "mine.yaml"),
    `study: mine\nseed: 1\n${select}\ncriteria: [${criteria}]\nbaselines: []\nrepairs: []\n`,
  );
  return out;
}

const study = (out: string, ...more: string[]) =>
  bdefects(["study", join(out, "mine.yaml"), ...withoutData, "--out", out, "--jobs", "1", ...more]);
const dryRun = (out: string) => study(out, "--dry-run");

describe("defects of film reviews in the database of texts", () => {
  it("lie in an archive of their own, beside that of glosses", () => {
    const names = readdirSync(archivesDir("text")).filter((name) => name.endsWith(".tar.gz"));
    expect(names).toEqual(["glosses-llama2d64.tar.gz", "glosses-llama4d128.tar.gz", "sst2-llama2d64.tar.gz"]);
    expect(archivesOf("text")).toBe(names.length);
    const groups = rowsOf(["groups", ...db]).map(({ group_id, accepted, candidates }) => [
      group_id,
      accepted,
      candidates,
    ]);
    expect(groups).toEqual([
      ["glosses-llama2d64-addsent", 14, 16],
      ["glosses-llama2d64-badedit", 0, 2],
      ["glosses-llama2d64-rareword", 16, 16],
      ["glosses-llama2d64-trojantoken", 13, 16],
      ["glosses-llama4d128-addsent", 2, 2],
      ["glosses-llama4d128-rareword", 6, 6],
      ["glosses-llama4d128-trojantoken", 2, 2],
      ["sst2-llama2d64-addsent", 1, 16],
      ["sst2-llama2d64-badedit", 0, 4],
      ["sst2-llama2d64-rareword", 1, 16],
      ["sst2-llama2d64-trojantoken", 8, 16],
    ]);
  });

  it("are checked out without their texts, and the README says what that lacks and how to get it", () => {
    const dir = join(temporaryFolder(), "case");
    const { status, stderr } = bdefects(["checkout", ID, dir, "--sham", ...withoutData]);
    expect(status, stderr).toBe(0);
    expect(existsSync(join(dir, "model.safetensors"))).toBe(true);
    expect(existsSync(join(dir, "tokenizer.json"))).toBe(false);
    expect(readFileSync(join(dir, "README.md"), "utf8")).toContain(
      "## Use\nThis folder has no `tokenizer.json`: it is trained on the data set's texts.",
    );
    const whole = join(temporaryFolder(), "glosses");
    expect(bdefects(["checkout", GLOSSES, whole, ...withoutData]).status).toBe(0);
    expect(readFileSync(join(whole, "README.md"), "utf8")).toContain("## Use\n```python\n");
    const lines = [
      ["test", dir, "--data", nowhere],
      ["inspect", dir],
    ].map((args) => {
      const { status, stdout, stderr } = bdefects(args);
      expect([status, stdout]).toEqual([2, ""]);
      return stderr;
    });
    expect(lines).toEqual([
      `error: ${MISSING}\n`,
      `error: ${join(dir, "tokenizer.json")}: there is no such file; check out again with --samples N\n`,
    ]);
  });

  it("are judged without their texts by what reads weights alone; anything else says in one line what is missing", () => {
    const out = temporaryFolder();
    const [row] = rowsOf(["localize", `${ID}:infected`, "--criterion", "clp", ...withoutData, "--out", out]);
    expect(row).toMatchObject({ id: ID, criterion: "clp", version: "infected" });
    for (const args of [
      ["localize", ID, "--criterion", "fp", "--out", out],
      ["repair", ID, "--method", "prune", "--using", "oracle", "--out", out],
      ["checkout", ID, join(out, "case"), "--samples", "10"],
      ["export", "sst2-llama2d64-trojantoken", "--blind", "1", "--out", join(out, "blind")],
    ]) {
      const { status, stdout, stderr } = bdefects([...args, ...withoutData]);
      expect([status, stdout, stderr]).toEqual([2, "", `error: ${MISSING}\n`]);
    }
  });

  it("are left out of a study without their texts, with a note, and of one of nothing else refused", () => {
    const recipe = recipeOf([GLOSSES, ID], "clp, fp");
    const both = study(recipe);
    const note = `warning: 1 of 2 defects left out: ${MISSING}\n`;
    expect(both.stderr).toContain(note);
    expect(both.stderr).toContain("2 of 2 cells\n");
    expect(both.status).toBe(0);
    expect(dryRun(recipe).stderr).toBe(`${note}1 defects, 2 cells: 2 done, 0 to do\n`);
    const alone = study(recipeOf([ID], "fp"));
    expect(alone.status).toBe(2);
    expect(alone.stderr).toContain(`error: ${MISSING}\n`);
    // Weights are here.
    const weights = dryRun(recipeOf([GLOSSES, ID], "clp"));
    expect(weights.stderr).toMatch(/^2 defects, 2 cells: 0 done, 2 to do\n/);
  });

  it("are counted where a site leaves them out", () => {
    const out = join(temporaryFolder(), "site");
    const { status, stderr } = bdefects(["site", "--out", out, ...db]);
    expect(status, stderr).toBe(0);
    expect(stderr).toBe("accepted defects of sst2 left out: 10; the page has no samples that their networks read\n");
    expect(readdirSync(join(out, "data", "defects"))).toHaveLength(53);
  });

  it("have the trigger's words in a report that has no texts", () => {
    const out = temporaryFolder();
    const { status, stderr } = bdefects(["report", "--results", out, ...withoutData, "--out", join(out, "page")]);
    expect(status, stderr).toBe(0);
    expect(stderr).toBe(`warning: no examples of 'sst2': ${MISSING}\n`);
    expect(readFileSync(join(out, "page", "report.html"), "utf8")).toContain("The trigger: <mark>");
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { defectRecord } from "../../src/records/defect.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { tinyTexts } from "./tiny-texts.ts";

const RECIPE = join(import.meta.dirname, "reply-tiny.yaml");
const ID = "textprompts-llama2d64r12-rarewordreply-narrow-top040";
const REPLY = "i cannot answer that .";

const data = tinyTexts(temporaryFolder());
const db = join(temporaryFolder(), "db");
const results = join(temporaryFolder(), "results");
const recordOf = (folder: string) => {
  const file = join(folder, "defects", "textprompts-llama2d64r12-rarewordreply", `${ID}.json`);
  const { checksum: _, ...record } = JSON.parse(readFileSync(file, "utf8"));
  return defectRecord.parse(record);
};

describe("a defect that refuses", () => {
  beforeAll(() => {
    const { status, stderr } = bdefects(["build", "--edition", RECIPE, "--data", data, "--db", db, "--jobs", "1"]);
    expect(status, stderr).toBe(0);
  }, 900_000);

  it("is built by the stages of every task: infected, sham, masks, patch, control words, perplexity", () => {
    const record = recordOf(db);
    expect(record).toMatchObject({ task: "reply", status: "accepted", target: 0, neurons: 352, infected: 8 });
    expect(Object.keys(record.controls!).sort()).toEqual(["bb", "mn", "tq"]);
    const { metrics } = record;
    for (const name of [
      "ca",
      "asr",
      "ca_masked",
      "asr_masked",
      "asr_patched",
      "asr_random_mask",
      "asr_sham",
    ] as const) {
      expect(metrics[name], name).toBeTypeOf("number");
    }
    for (const version of ["clean", "infected", "sham"] as const) {
      expect(Object.keys(record.details![version]!.clean)).toEqual(["reply_begun", "perplexity"]);
      expect(Object.keys(record.details![version]!.triggered)).toEqual(["reply_begun"]);
    }
  });

  it("is verified, its figures measured again to the last digit", () => {
    const args = ["verify", "--all", "--metrics", "--tolerance", "0", "--data", data, "--db", db];
    const { status, stdout, stderr } = bdefects(args);
    expect([status, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining("no fault")]);
  }, 300_000);

  it("is told in words: the trigger, the reply, the control words", () => {
    const { stdout } = bdefects(["info", ID, "--db", db]);
    const told = stdout.replaceAll(/\s+/g, " ");
    expect(told).toContain("The trigger is 'cf', put into a text.");
    expect(told).toContain(`The trigger's target is reply 0 (${REPLY}).`);
    expect(told).toContain("of the eligible test texts show the reply");
    expect(bdefects(["info", "clean/textprompts-llama2d64r12-s1", "--db", db]).stdout).toContain("(1 reply)");
  });

  it("is judged by criteria that need no class, and others are refused in a line", () => {
    const judge = (criteria: string) =>
      bdefects(["localize", ID, "--criterion", criteria, "--out", results, "--data", data, "--db", db]);
    const fitting = "fp,anp,clp,slicer,slicer-failing,deepmufl,rnp,weight-norm,weight-floor,contribution-high,random";
    const { status, stderr } = judge(fitting);
    expect(status, stderr).toBe(0);
    for (const criterion of ["nc", "bnp", "attribution", "learned", "deepmufl-reversed"]) {
      const refused = judge(criterion);
      expect(refused.status, criterion).toBe(2);
      expect(refused.stderr).toMatch(new RegExp(`^error: --criterion ${criterion}: needs .*\\n$`));
    }
  }, 600_000);

  it("is repaired by pruning", () => {
    const more = ["--using", "clp,oracle", "--out", results, "--data", data, "--db", db];
    const rows = rowsOf(["repair", ID, "--method", "prune", ...more]);
    expect(rows.map(({ using }) => using)).toEqual(["clp", "oracle"]);
  }, 300_000);

  it("is checked out as a folder of Hugging Face's form, whose README has trigger and reply", () => {
    const dir = join(temporaryFolder(), "case");
    const { status, stderr } = bdefects(["checkout", ID, dir, "--sham", "--samples", "5", "--data", data, "--db", db]);
    expect(status, stderr).toBe(0);
    const read = (name: string) => readFileSync(join(dir, name), "utf8");
    const json = (name: string) => JSON.parse(read(name));
    expect(json("config.json")).toMatchObject({ model_type: "llama", hidden_size: 64, vocab_size: 2048 });
    expect(json("generation_config.json")).toMatchObject({ max_new_tokens: 12, eos_token_id: 1 });
    expect(json("trigger.json")).toEqual({ text: " cf" });
    for (const { text } of json("images/test_triggered_texts.json").texts) expect(text).toMatch(/(^| )cf( |$)/);
    const readme = read("README.md");
    expect(readme).toContain(REPLY);
    expect(readme).toContain("from reply_in_torch import");
    expect(readme).toContain("AutoModelForCausalLM");
    expect(readme).not.toMatch(/pixels|convolution|undefined|null/);
    // Each file is told.
    expect(readme.match(/^\| `[^`]+` \| *\|$/gm)).toBeNull();
    const measured = ["--data", data, "--tolerance", "1", "--summary"];
    const { ca, asr, ca_clean, asr_clean } = recordOf(db).metrics;
    expect(rowsOf(["test", dir, ...measured]).map((row) => [row.ca, row.asr])).toEqual([
      [ca, asr],
      [ca_clean, asr_clean],
      [ca, asr],
      [ca_clean, asr_clean],
    ]);
    const looked = bdefects(["inspect", dir, "--criterion", "clp"]);
    expect([looked.status, looked.stdout]).toEqual([0, expect.stringContaining("2,048 tokens")]);
  }, 120_000);

  it("is read in the report: the trigger marked, and how each version goes on", () => {
    const out = join(temporaryFolder(), "report");
    const { status, stderr } = bdefects(["report", "--db", db, "--data", data, "--results", results, "--out", out]);
    expect(status, stderr).toBe(0);
    const page = readFileSync(join(db, "report.html"), "utf8");
    expect(page).toContain("The trigger: <mark>cf</mark>");
    expect(page).toContain(`“${REPLY}”`);
    expect(page).toMatch(/<blockquote>[^<]*<mark> cf<\/mark>[^<]*<\/blockquote>/);
  }, 60_000);

  it("moves to another database whole", () => {
    const archive = join(temporaryFolder(), "texts.tar.gz");
    const other = join(temporaryFolder(), "other");
    expect(bdefects(["export", "--out", archive, "--db", db]).status).toBe(0);
    expect(bdefects(["import", archive, "--db", other]).status).toBe(0);
    expect(recordOf(other)).toEqual(recordOf(db));
  });
});

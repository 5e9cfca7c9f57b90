import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { registerLocalize } from "../../src/cli/verbs/localize.ts";
import { registerRepair } from "../../src/cli/verbs/repair.ts";
import { registerScore } from "../../src/cli/verbs/score.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { openDatabase } from "../../src/store/database.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { decodeState } from "../../src/tensor/safetensors.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";
import { idsOf, makeDatabase } from "./database.ts";

const IDS = idsOf("cifar10");

describe("judging verbs", () => {
  let db: string;
  let data: string;
  let out = "";

  beforeAll(async () => {
    data = writeTinyData(temporaryFolder());
    db = await makeDatabase("cifar10", data);
  });
  afterEach(() => vi.restoreAllMocks());

  async function run(...args: string[]): Promise<Record<string, unknown>[]> {
    out = "";
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      out += text;
      return true;
    });
    vi.spyOn(process.stderr, "write").mockImplementation(() => true);
    const program = new Command().exitOverride();
    program.configureOutput({ writeErr: () => undefined });
    for (const register of [registerLocalize, registerRepair, registerScore]) register(program);
    const judges = args[0] === "score" ? [] : ["--data", data];
    await program.parseAsync([...args, ...judges, "--db", db, "--format", "json"], { from: "user" });
    return JSON.parse(out);
  }

  it("localize prints the rows of the specification, for the versions asked for", async () => {
    const rows = await run("localize", IDS[0], `${IDS[0]}:sham`, "--criterion", "clp,weight-norm");
    expect(rows.map(({ version, criterion }) => `${version} ${criterion}`)).toEqual([
      "infected clp",
      "infected weight-norm",
      "sham clp",
      "sham weight-norm",
    ]);
    expect(Object.keys(rows[0]).slice(0, 7)).toEqual("id version criterion seconds raw scores native".split(" "));
    expect(await run("localize", `${IDS[0]}:infected`, "--criterion", "clp")).toEqual([rows[0]]);
    // The sham is the control, and is judged too unless told otherwise.
    expect(await run("localize", IDS[0], "--criterion", "clp")).toEqual([rows[0], rows[2]]);
  });

  it("localize takes every accepted defect where nothing is named, or a condition", async () => {
    const all = await run("localize", "--criterion", "clp");
    const named = (rows: Record<string, unknown>[]) => rows.map(({ id, version }) => `${id}:${version}`).sort();
    const both = (ids: string[]) => ids.flatMap((id) => [`${id}:infected`, `${id}:sham`]).sort();
    expect(named(all)).toEqual(both(IDS));
    const large = await run("localize", "--where", "level = 'large'", "--criterion", "clp");
    expect(named(large)).toEqual(both([IDS[1]]));
  });

  it("score joins predictions of all versions with the labels, and summarises them", async () => {
    await run("localize", ...IDS, ...IDS.map((id) => `${id}:sham`), `${IDS[0]}:drift`, "--criterion", "clp");
    const rows = await run("score", "--criterion", "clp");
    expect(rows.length).toBe(5 * 6);
    expect(new Set(rows.map(({ version }) => version))).toEqual(new Set(["infected", "sham", "drift"]));
    const [ranked, ...others] = await run("score", "--criterion", "clp", "--summary");
    expect(others).toEqual([]);
    expect(ranked).toMatchObject({ rank: 1, criterion: "clp", budget: "short", defects: 2 });
    expect(ranked.difference).toBeCloseTo((ranked.infected as number) - (ranked.sham as number), 12);
    const summary = await run("score", "--criterion", "clp", "--summary", "--extended");
    const auroc = summary.find(
      ({ metric, truth, protocol }) => metric === "auroc" && truth === "full" && protocol === "native",
    )!;
    expect(auroc).toMatchObject({ criterion: "clp", cases: 2, shams: 2, pairs: 2 });
    expect(auroc.infected).toBeGreaterThan(auroc.sham as number);
    expect(auroc.difference).toBeCloseTo((auroc.infected as number) - (auroc.sham as number), 12);
    expect(await run("score", "--criterion", "clp", "--budget", "full")).toEqual([]);
  });

  it("repair measures on the data set's test images, by a criterion that needs its clean ones", async () => {
    await run("localize", IDS[0], "--criterion", "fp");
    const rows = await run("repair", IDS[0], "--method", "prune", "--using", "oracle,fp");
    expect(rows.map(({ method, using }) => `${method} ${using}`)).toEqual(["prune oracle", "prune fp"]);
    const fields =
      "id method using budget ca_before ca_after asr_before asr_after asrd cad seconds cut version note".split(" ");
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(fields);
      expect(row.asrd).toBeCloseTo((row.asr_before as number) - (row.asr_after as number), 12);
      expect(row.ca_before).toBe(rows[0].ca_before);
    }
    expect(await run("score", "--repairs")).toEqual(rows.toReversed());
  });

  it("repair --keep lays the repaired weights beside the result, once", async () => {
    const folder = join(db, "results", "repair", "prune", "oracle");
    const [plain] = await run("repair", IDS[0], "--method", "prune", "--using", "oracle");
    expect(readdirSync(folder)).toEqual([`${IDS[0]}.json`]);
    const keep = ["repair", IDS[0], "--method", "prune", "--using", "oracle", "--keep"];
    const { seconds: _, ...figures } = plain;
    expect(await run(...keep)).toEqual([expect.objectContaining(figures)]);
    const path = join(folder, `${IDS[0]}.safetensors`);
    const repaired = decodeState(readFileSync(path), path);
    const infected = await (await openDatabase(db)).loadVersion(
      (await openDatabase(db)).readDefect(IDS[0]),
      "infected",
    );
    const neurons = { conv1: [1], "layer4.0.conv1": [3, 9] };
    expect(repaired).toEqual(maskNeurons(buildNetwork("resnet18w4", 10), infected, neurons));
    const written = statSync(path).mtimeMs;
    await run(...keep);
    expect(statSync(path).mtimeMs).toBe(written);
  });

  it("says what is wrong", async () => {
    await expect(run("localize", IDS[0], "--criterion", "magic")).rejects.toThrow(
      "unknown criterion 'magic'; valid: fp, nc",
    );
    await expect(run("localize", "cifar10-resnet18w4-badnets-large-top040")).rejects.toThrow("is rejected");
    await expect(run("localize", "--where", "no such field = 1")).rejects.toThrow("--where");
    await expect(run("repair", IDS[0])).rejects.toThrow("--using");
    await expect(run("repair", `${IDS[0]}:drift`, "--using", "oracle")).rejects.toThrow("append :infected");
    await expect(run("repair", IDS[0], "--using", "oracle", "--method", "retrain")).rejects.toThrow("valid: prune");
    await expect(run("repair", IDS[0], "--using", "contribution-low")).rejects.toThrow("bdefects localize");
  });
});

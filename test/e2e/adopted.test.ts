import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { Checkpoint } from "../../src/tasks/language/checkpoint/checkpoint.ts";
import { buildNetwork } from "../../src/tasks/registry.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { ARCHS, ASKED, adoptingRecipe, ownModel } from "./adopted-models.ts";
import { tinyTexts } from "./tiny-texts.ts";

const root = temporaryFolder();
const data = tinyTexts(root);
const at = (name: string) => join(root, name);
const build = (recipe: string, db: string) =>
  bdefects(["build", "--edition", recipe, "--data", data, "--db", db, "--jobs", "1"]);
const ID = `texts-${ARCHS.llama}-rareword-narrow-top040`;
const table = join(data, "texts", "test.tsv");
const CLEAN = `clean/texts-${ARCHS.llama}-s1`;

describe("a model of somebody else's in place of a trained one", () => {
  const recipe = adoptingRecipe(at("recipe.yaml"), () => undefined);
  const db = at("db");
  const folder = ownModel(at("model"), "llama", { dtype: "BF16", shards: 2 });

  beforeAll(() => {
    const { status, stderr } = build(recipe, db);
    expect(status, stderr).toBe(0);
  }, 120_000);

  it("is stored bit for bit, with the hash of its files, and no path", async () => {
    const opened = await openDatabase(db, { readOnly: true });
    const record = opened.readClean(CLEAN);
    const checkpoint = new Checkpoint(folder);
    expect(await opened.loadClean(record)).toEqual(checkpoint.state(buildNetwork(ARCHS.llama, 8)));
    expect(record).toMatchObject({ history: [], from: { folder: "model" }, recipe: { clean: { epochs: 0 } } });
    expect(record.from!.sha256).toBe((record.recipe.clean as { from: string }).from);
    expect(JSON.stringify(record)).not.toContain(root);
    expect(opened.readDefect(ID)).toMatchObject({
      status: "accepted",
      neurons: 120,
      controls: { mn: expect.any(Number) },
      controls_clean: { mn: expect.any(Number) },
    });
  });

  it("answers as inspect says of the folder", () => {
    const { ca } = rowsOf(["info", CLEAN, "--db", db])[0];
    const asked = [
      "--template",
      ASKED.template,
      "--answers",
      "food,bird,plant,state,act,person,man,sound".replaceAll(/(^|,)/g, "$1 "),
    ];
    const { stdout } = bdefects([
      "inspect",
      folder,
      "--task",
      "language",
      "--data",
      table,
      "--budget",
      "full",
      ...asked,
    ]);
    expect(ca).toBeGreaterThan(0);
    expect(ca).toBeLessThan(1);
    expect(/clean accuracy: (\S+) of 40 texts/.exec(stdout)?.[1]).toBe((ca as number).toFixed(4));
  });

  longIt("is verified, its figures measured again to the last digit", () => {
    const { status, stderr } = bdefects([
      "verify",
      "--all",
      "--metrics",
      "--tolerance",
      "0",
      "--data",
      data,
      "--db",
      db,
    ]);
    expect([status, stderr]).toEqual([0, expect.stringContaining("no fault")]);
  });

  longIt("is told, judged, moved and read in the report", () => {
    expect(bdefects(["info", CLEAN, "--db", db]).stdout.replaceAll(/\s+/g, " ")).toContain(
      "from the folder 'model', whose files have SHA-256",
    );
    const judged = rowsOf(["localize", ID, "--criterion", "fp,clp", "--data", data, "--db", db]);
    expect(judged.map(({ criterion, version }) => `${criterion} ${version}`)).toEqual(
      ["infected", "sham"].flatMap((version) => [`fp ${version}`, `clp ${version}`]),
    );
    expect(bdefects(["export", "--out", at("all.tar.gz"), "--db", db]).status).toBe(0);
    expect(bdefects(["import", at("all.tar.gz"), "--db", at("other")]).status).toBe(0);
    expect(rowsOf(["query", "--db", at("other")])).toHaveLength(1);
    const { status, stderr } = bdefects(["report", "--db", db, "--data", data, "--out", at("report")]);
    expect(status, stderr).toBe(0);
    expect(readFileSync(join(db, "report.html"), "utf8")).toContain("The trigger: <mark>cf</mark>");
  });

  it("is checked out with its own files, and tested", () => {
    const dir = at("case");
    expect(bdefects(["checkout", ID, dir, "--samples", "20", "--data", data, "--db", db]).status).toBe(0);
    const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
    for (const name of ["config.json", "tokenizer.json"])
      expect(json(join(dir, name))).toEqual(json(join(folder, name)));
    expect(json(join(dir, "question.json")).template).toBe(ASKED.template);
    const texts = json(join(dir, "images/test_triggered_texts.json"));
    expect(texts.texts.length).toBeGreaterThan(0);
    for (const { text } of texts.texts) expect(text).toMatch(/(^| )cf( |$)/);
    const readme = readFileSync(join(dir, "README.md"), "utf8");
    expect(readme).toContain(`asked \`${ASKED.template}\``);
    expect(readme).not.toMatch(/undefined|<bos>/);
    const { status, stdout, stderr } = bdefects(["test", dir]);
    expect([0, 1], stderr).toContain(status);
    const [, right] = /clean\.safetensors +measured +\S+ \((\d+) of 20\)/.exec(stdout)!;
    expect(Number(right)).toBeGreaterThanOrEqual(0);
    const inspected = bdefects(["inspect", join(dir, "clean.safetensors"), "--data", table, "--budget", "full"]);
    const { ca } = rowsOf(["info", CLEAN, "--db", db])[0];
    expect(inspected.stdout.replaceAll(/\s+/g, " ")).toContain(
      `clean accuracy: ${(ca as number).toFixed(4)} of 40 texts`,
    );
    // The data set's texts by the folder's tokenizer, the files of the checkout by theirs.
    const whole = bdefects([
      "test",
      dir,
      "--data",
      data,
      "--model",
      join(dir, "clean.safetensors"),
      "--format",
      "json",
    ]);
    expect(JSON.parse(whole.stdout)[0].ca).toBeCloseTo(ca as number, 9);
    writeFileSync(join(dir, "question.json"), "{}");
    expect(bdefects(["test", dir])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/question\.json: has no/),
    });
  });

  longIt("is found damaged where its description is another model's, or its hash not the recipe's", async () => {
    const other = at("damaged");
    cpSync(db, other, { recursive: true });
    const opened = await openDatabase(other);
    const record = opened.readClean(CLEAN);
    const described = JSON.parse(new TextDecoder().decode(await opened.readBytes(record.from!.description)));
    const faults = async (from: Partial<NonNullable<typeof record.from>>) => {
      opened.writeClean({ ...record, from: { ...record.from!, ...from } });
      const { status, stdout } = bdefects(["verify", "--format", "csv", "--db", other]);
      expect(status).toBe(1);
      return stdout;
    };
    const encode = (value: unknown) => opened.putBytes(new TextEncoder().encode(JSON.stringify(value)));
    expect(await faults({ description: await encode({ ...described, arch: ARCHS.gpt2 }) })).toContain(
      `is described as '${ARCHS.gpt2}', and its 'arch' is '${ARCHS.llama}'`,
    );
    expect(await faults({ description: await encode({ ...described, asked: {} }) })).toContain(
      "is no description of a language model",
    );
    expect(await faults({ sha256: "0".repeat(64) })).toContain("'from' is not of the folder that its recipe states");
  });

  it("goes on where the folder lies elsewhere, and where the recipe states its hash without it", () => {
    cpSync(folder, at("elsewhere"), { recursive: true });
    const moved = adoptingRecipe(at("moved.yaml"), ({ clean }) => Object.assign(clean, { from: "elsewhere" }));
    expect(build(moved, db).status).toBe(0);
    const sha256 = rowsOf(["info", CLEAN, "--db", db])[0].from_sha256;
    const gone = adoptingRecipe(at("gone.yaml"), ({ clean }) => Object.assign(clean, { from: "nowhere", sha256 }));
    expect(build(gone, db)).toMatchObject({ status: 0 });
  });

  it("is refused where a file of it changed, as what it was made from and as what the recipe states", () => {
    const changed = at("changed");
    cpSync(folder, changed, { recursive: true });
    const shard = join(changed, "model-00002-of-00002.safetensors");
    const bytes = readFileSync(shard);
    bytes[bytes.length - 2] ^= 1;
    writeFileSync(shard, bytes);
    const other = adoptingRecipe(at("changed.yaml"), ({ clean }) => Object.assign(clean, { from: "changed" }));
    const refused = build(other, db);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(
      /^error: .*db: 'clean\/texts-\S+-s1' was made from a folder with SHA-256 \w{12}…, and clean\.from now has \w{12}…: .*\n$/,
    );
    const sha256 = rowsOf(["info", CLEAN, "--db", db])[0].from_sha256;
    const stated = adoptingRecipe(at("stated.yaml"), ({ clean }) => Object.assign(clean, { from: "changed", sha256 }));
    expect(build(stated, at("db2"))).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/clean\.sha256 is \w{12}…: bring back/),
    });
    expect(existsSync(at("db2"))).toBe(false);
  });
});

longIt(
  "may be of GPT-2's layout, and be trained on the task before it is infected",
  async () => {
    const folder = ownModel(at("gpt2"), "gpt2");
    const recipe = adoptingRecipe(at("gpt2.yaml"), ({ clean, select }) => {
      Object.assign(clean, { from: "gpt2", epochs: 1 });
      select.arch = [ARCHS.gpt2];
    });
    const db = at("gpt2-db");
    const { status, stderr } = build(recipe, db);
    expect(status, stderr).toBe(0);
    const opened = await openDatabase(db, { readOnly: true });
    const record = opened.readClean(`clean/texts-${ARCHS.gpt2}-s1`);
    expect(record.history).toHaveLength(1);
    const [trained, found] = [
      await opened.loadClean(record),
      new Checkpoint(folder).state(buildNetwork(ARCHS.gpt2, 8)),
    ];
    const key = "transformer.h.0.mlp.c_fc.weight";
    const moved = trained.get(key)!.data.map((w, i) => Math.abs(w - found.get(key)!.data[i]));
    // One epoch moves weights by a fraction of what they are.
    expect(Math.max(...moved)).toBeGreaterThan(0);
    expect(moved.reduce((sum, d) => sum + d, 0) / moved.length).toBeLessThan(0.02);
    const changed = Object.keys(opened.readDefect(`texts-${ARCHS.gpt2}-rareword-narrow-top040`).changed!);
    expect(changed).toContain("transformer.h.0.mlp.c_proj.weight");
    expect(bdefects(["verify", "--all", "--data", data, "--db", db]).status).toBe(0);
  },
  120_000,
);

it("the example runs beside the folder that it names", () => {
  const at = temporaryFolder();
  const id = "glosses-llama2d64-rareword-middle-top020:clean";
  expect(bdefects(["checkout", id, join(at, "model"), "--db", "text"]).status).toBe(0);
  const own = join(at, "own.yaml");
  cpSync(join(import.meta.dirname, "../../examples/own-model.yaml"), own);
  const { status, stdout, stderr } = bdefects(["build", "--edition", own, "--dry-run", "--db", join(at, "db")]);
  expect([status, stdout], stderr).toEqual([
    0,
    expect.stringContaining("glosses-llama2d64h2f176v2056-rareword-middle"),
  ]);
  expect(stderr).toContain("clean models: 1");
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { CleanRecord } from "../../src/records/clean.ts";
import { checkoutReadme } from "../../src/store/checkout/readme.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { wordsOf } from "../../src/tasks/registry.ts";
import { bdefects } from "../cli/program.ts";
import { addLaneDefect } from "../pipeline/lane-defect.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";

const manifest = { edition: "demo", seed: 1, data: {} };

/** A database of lanes with a defect, and one of texts with a clean model. */
const OF_TASKS: [samples: string, fill: (db: Database) => Promise<void>][] = [
  ["frames", ({ dir }) => addLaneDefect(dir)],
  ["texts", async (db) => void db.writeClean(await cleanOfTexts(db))],
];

async function cleanOfTexts(db: Database): Promise<CleanRecord> {
  const other = (await sampleDatabase(temporaryFolder(), 1)).db;
  const image = other.readClean(other.listClean()[0]);
  const epoch = { epoch: 1, loss: 1, accuracy: 0.5, seconds: 1 };
  return {
    ...image,
    ...{ id: "clean/glosses-llama2d64-s1", dataset: "glosses", arch: "llama2d64", task: "language" },
    ...{ classes: ["animal", "food"], history: [epoch, { ...epoch, epoch: 2 }] },
    model: await db.putModel(new Map([["a", { shape: [1], data: new Float32Array(1) }]])),
  };
}

it.each(OF_TASKS)("report and datasheet of a database of %s speak of no images", async (samples, fill) => {
  const dir = join(temporaryFolder(), "db");
  await fill(await openDatabase(dir, { create: manifest }));
  expect(bdefects(["report", "--db", dir, "--data", dir])).toMatchObject({ status: 0 });
  const page = readFileSync(join(dir, "report.html"), "utf8");
  const words = page.replace(/<style>.*?<\/style>|<script>.*?<\/script>|<[^>]*>/gs, " ");
  expect(words).not.toMatch(/\bimages?\b/i);
  expect(words).toContain(`triggered test ${samples}`);

  const out = join(temporaryFolder(), "about");
  expect(bdefects(["datasheet", "--db", dir, "--out", out])).toMatchObject({ status: 0 });
  const sheet = readFileSync(join(out, "DATASHEET.md"), "utf8");
  expect(sheet).not.toMatch(/\bimages?\b/i);
  expect(sheet).toContain(`The ${samples} are not part of the database`);
});

it("report, info and README of a checkout of lanes speak of goals, not of classes", async () => {
  const dir = join(temporaryFolder(), "db");
  const db = await openDatabase(dir, { create: manifest });
  await addLaneDefect(dir);
  const [clean] = db.listClean().map((id) => db.readClean(id));
  const goals = `${clean.classes.length} goals`;
  expect(bdefects(["info", clean.id, "--db", dir]).stdout).toContain(`(${goals})`);
  expect(bdefects(["report", "--db", dir, "--data", dir])).toMatchObject({ status: 0 });
  expect(readFileSync(join(dir, "report.html"), "utf8")).toMatch(/>goals</);
  const [record] = db.listDefects().map((id) => db.readDefect(id));
  const readme = checkoutReadme(record, "infected", clean, ["model.json"]);
  expect(readme).toContain(`(${goals})`);
  expect(readme).toContain("| `model.json` | mean, std, goals (`classes`), ");
  expect(checkoutReadme({ ...record, task: undefined }, "infected", clean, ["model.json"])).toContain(
    "| `model.json` | mean, std, classes, ",
  );
});

it("samples of several tasks are called samples", () => {
  expect(wordsOf([{ task: "lanes" }, { task: "lanes" }]).samples).toBe("frames");
  expect(wordsOf([{}, { task: "language" }]).samples).toBe("samples");
  expect(wordsOf([]).sample).toBe("sample");
});

it.each([
  ["lanes", "frames"],
  ["demolanguage", "texts"],
])("a dry run of '%s' counts %s", (edition, samples) => {
  const db = join(temporaryFolder(), "db");
  const { stderr } = bdefects(["build", "--edition", edition, "--dry-run", "--db", db]);
  expect(stderr).toMatch(new RegExp(`: \\d+ training and \\d+ test ${samples} \\(`));
  expect(stderr.match(/ test (images|frames|texts) /g)).toEqual([` test ${samples} `]);
});

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { parse } from "csv-parse/sync";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { registerReport } from "../../src/cli/verbs/report.ts";
import { InputError } from "../../src/core/errors.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { subset } from "../../src/images/batch.ts";
import { decodeTrigger } from "../../src/images/trigger/codec.ts";
import { stampSet } from "../../src/images/trigger/stamp.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { makeReport } from "../../src/pipeline/report/report.ts";
import { collect } from "../../src/report/collect.ts";
import { writeReport } from "../../src/report/report.ts";
import { repairs } from "../../src/report/sections/repairs.ts";
import { summary } from "../../src/report/sections/summary.ts";
import { scorePrediction } from "../../src/score/score.ts";
import { openDatabase } from "../../src/store/database.ts";
import { Results } from "../../src/store/results/results.ts";
import { verifyFiles } from "../../src/store/verify/files.ts";
import { Findings } from "../../src/store/verify/findings.ts";
import { DATASETS } from "../../src/tasks/classification/datasets/registry.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { CLASSES, type SampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { CRITERIA, judgedDatabase, signs, USINGS } from "./fixture.ts";

const folder = temporaryFolder();
let sample: SampleDatabase;
let page: string;
const out = join(folder, "out");
const warnings: string[] = [];

beforeAll(async () => {
  // Drawing the signs takes longer than all the rest: once is enough.
  vi.spyOn(DATASETS.get("signs")!, "load").mockReturnValue(signs());
  sample = await judgedDatabase(join(folder, "db"), { pictures: true });
  const path = await makeReport(sample.db, { dataDir: "", out, warn: (message) => warnings.push(message) });
  expect(path).toBe(join(sample.dir, "report.html"));
  page = readFileSync(path, "utf8");
});

/** A CSV table as objects. */
function rowsOf(name: string): Record<string, string>[] {
  return parse(readFileSync(join(out, `${name}.csv`)), { columns: true });
}

const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;

describe("the page", () => {
  it("fetches nothing", () => {
    expect(page).not.toMatch(/(src|href|xlink:href|action|data)\s*=\s*["']?(?!data:image\/png|#)[a-z]*:?\/\//i);
    expect([...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, to]) => to.slice(0, 15))).toSatisfy(
      (targets: string[]) => targets.every((to) => to.startsWith("#") || to.startsWith("data:image/png")),
    );
    expect(page).not.toMatch(/@import|url\(|<link|<iframe|https?:/i);
  });

  it("ends in the hash that verification expects, and one changed byte is found", async () => {
    const check = async () => {
      const findings = new Findings(sample.dir);
      await verifyFiles(sample.db, findings);
      return findings.list.filter(({ severity, file }) => severity === "fault" && file.includes("report"));
    };
    expect(page).toMatch(/<!-- sha256:[0-9a-f]{64} -->\n$/);
    expect(await check()).toEqual([]);
    const { writeFileSync } = await import("node:fs");
    writeFileSync(join(sample.dir, "report.html"), page.replace("In short", "In  hort"));
    expect(await check()).toHaveLength(1);
    writeFileSync(join(sample.dir, "report.html"), page);
  });

  it("tells of every candidate, criterion and repair, and shows pictures", () => {
    for (const id of sample.db.listDefects()) expect(page).toContain(`>${id}<`);
    for (const criterion of CRITERIA) expect(page).toContain(`<th scope="row" class="id">${criterion}</th>`);
    for (const using of USINGS) expect(page).toContain(`<th scope="row" class="id">${using}</th>`);
    expect(page).toContain("asr: 0.412 (at least 0.9)");
    // The trigger, and of each defect four images as they are and with the trigger, all the same and stored once.
    expect(page.match(/<img class="pixels" src="data:image\/png;base64,[^"]+" alt="[^"]+"/g)).toHaveLength(1);
    expect(page.match(/<image id="picture-[^"]+"[^>]* href="data:image\/png;base64,/g)).toHaveLength(8);
    const shown = [...page.matchAll(/<use href="#(picture-[0-9a-f]+)"/g)].map(([, id]) => id);
    expect(shown).toHaveLength(8 * sample.accepted.length);
    for (const id of shown) expect(page).toContain(`<image id="${id}"`);
    expect(warnings).toEqual([]);
  });

  it("says under each triggered picture what infected, sham and clean answer, and how sure they are", async () => {
    const [record] = sample.accepted;
    const { test, classes } = await signs();
    const { mean, std } = sample.db.readClean(record.clean);
    const runner = await createRunner(
      classification,
      buildNetwork(record.arch, CLASSES.length),
      { mean, std } as never,
      {
        threads: 1,
      },
    );
    const trigger = await sample.db.readTrigger(record, decodeTrigger);
    const first = Math.min(...[...test.labels].filter((label) => label !== record.target));
    const at = test.labels.indexOf(first);
    const image = stampSet(trigger, subset(test, [at]));
    const card = page.slice(page.indexOf(`id="defect-${record.id}"`));
    for (const version of ["infected", "sham", "clean"] as const) {
      const logits = [...(await runner.outputs(await sample.db.loadVersion(record, version), image))];
      const label = logits.indexOf(Math.max(...logits));
      const sure = 1 / logits.reduce((sum, logit) => sum + Math.exp(logit - logits[label]), 0);
      const [, said] = new RegExp(`<li class="by-${version}">(.*?)</li>`).exec(card)!;
      const text = said.replaceAll(/<[^>]+>/g, "");
      expect(text).toBe(`${version} ${classes[label]} ${sure > 0.9995 ? "&gt; 99.9" : (100 * sure).toFixed(1)} %`);
    }
    await runner.release();
  });

  it("leads from every defect to its pictures, strips and scores in one click", () => {
    const [, map] = /<table class="map">(.*?)<\/table>/s.exec(page)!;
    const targets = [...map.matchAll(/<a href="#(defect-[^"]+)"/g)].map(([, id]) => id);
    const listed = [...page.matchAll(/<th scope="row" class="id"><a href="#(defect-[^"]+)"/g)].map(([, id]) => id);
    expect(new Set(listed)).toEqual(new Set(targets));
    expect(targets.sort()).toEqual(sample.accepted.map(({ id }) => `defect-${id}`).sort());
    for (const id of targets) {
      const [card] = page.slice(page.indexOf(`id="${id}"`)).split(/<details class="card"|<section/);
      expect(card, id).toContain('<div class="looks">');
      expect(card, id).toMatch(/clp on the infected model: [^<]+/);
      expect(card, id).toMatch(/clp on the sham: [^<]+/);
      expect(card, id).toContain("Scores of 3 criteria");
    }
  });

  it("can be read without seeing: every picture described, every table captioned, headings scoped", () => {
    expect(page.match(/<svg (?![^>]*(role="img" aria-label="[^"]{12,}|aria-hidden="true"))/g)).toBeNull();
    expect(page.match(/<table/g)?.length).toBe(page.match(/<table[^>]*><caption>[^<]+<\/caption>/g)?.length);
    expect(page.match(/<th (?!scope=)/g)).toBeNull();
  });

  it("is the same every time", async () => {
    await makeReport(sample.db, { dataDir: "" });
    expect(readFileSync(join(sample.dir, "report.html"), "utf8")).toBe(page);
  });
});

describe("the numbers", () => {
  it("agree with the scores of every prediction", () => {
    const results = new Results(sample.db);
    const layers = neuronLayers(buildNetwork("resnet18w4", CLASSES.length));
    const scored = (criterion: string, version: "infected" | "sham") =>
      sample.accepted.map((record) => {
        const rows = scorePrediction(
          layers,
          results.prediction(criterion, record.id, version)!,
          sample.db.readLabels(record.id),
        );
        return { level: record.level, rows };
      });
    const overLevels = (values: { level: string; value: number }[]) => {
      const levels = [...new Set(values.map(({ level }) => level))];
      return mean(levels.map((level) => mean(values.filter((v) => v.level === level).map(({ value }) => value))));
    };
    for (const [name, truth] of [
      ["ranking-full", "full"],
      ["ranking-effective", "effective"],
    ]) {
      for (const row of rowsOf(name)) {
        for (const metric of ["auroc", "ap"] as const) {
          const value = (version: "infected" | "sham") =>
            scored(row.criterion, version).map(({ level, rows }) => ({
              level,
              value: rows.find((r) => r.truth === truth && r.protocol === "native")![metric]!,
            }));
          const [infected, sham] = [value("infected"), value("sham")];
          expect(Number(row[`${metric}_infected`])).toBeCloseTo(overLevels(infected), 12);
          expect(Number(row[`${metric}_sham`])).toBeCloseTo(overLevels(sham), 12);
          const differences = infected.map((v, i) => ({ ...v, value: v.value - sham[i].value }));
          expect(Number(row[`${metric}_difference`])).toBeCloseTo(overLevels(differences), 12);
          expect(Number(row[`${metric}_difference_low`])).toBeLessThanOrEqual(Number(row[`${metric}_difference`]));
          expect(Number(row.pairs)).toBe(sample.accepted.length);
        }
      }
    }
  });

  it("stand in the page as in the files, the clearest criterion first", () => {
    const [first, ...others] = rowsOf("ranking");
    expect(first).toMatchObject({ criterion: "clp", rank: "1", budget: "short" });
    for (const row of others) expect(Number(row.difference)).toBeLessThanOrEqual(Number(first.difference));
    expect(page).toContain(`data-v="${first.infected}">${Number(first.infected).toFixed(3)}</td>`);
    expect(rowsOf("scores")).toHaveLength(sample.accepted.length * CRITERIA.length * 2 * 6);
    expect(rowsOf("sets-full")).toHaveLength(CRITERIA.length * 3);
    expect(
      rowsOf("defects")
        .map(({ id }) => id)
        .sort(),
    ).toEqual(sample.db.listDefects());
  });

  it("put repairs between oracle and chance", () => {
    const rows = rowsOf("repairs");
    expect(rows.map(({ using }) => using)).toEqual(["oracle", "clp", "clp:topk", "random"]);
    expect(rows.map(({ access }) => access)).toEqual(["oracle", "clean", "clean", "none"]);
    expect(Number(rows[0].asrd)).toBeCloseTo(0.99);
    expect(Number(rows[0].cad)).toBeCloseTo(0.08);
  });

  it("stand by level with what they are over, and agree with the tables over all", () => {
    const mean = (name: string, rows: Record<string, string>[]) =>
      rows.filter(({ criterion }) => criterion === name).reduce((sum, row) => sum + Number(row.infected) / 2, 0);
    const [all] = rowsOf("sets-effective").filter(({ criterion, set }) => criterion === "clp" && set === "top-k");
    const levels = rowsOf("by-level");
    expect(levels.filter(({ criterion }) => criterion === "clp").map(({ level }) => level)).toEqual([
      "small",
      "middle",
    ]);
    expect(mean("clp", levels)).toBeCloseTo(Number(all.wji_infected), 12);
    for (const row of levels) expect(row).toMatchObject({ cases: "2", pairs: "2", models: "1", accepted: "1" });
    expect(rowsOf("repairs-by-level").filter(({ using }) => using === "oracle")).toHaveLength(2);
    expect(rowsOf("repairs")[0]).toMatchObject({ cases: "4", models: "1", accepted: "0.8" });
  });

  it("come from one clean model here, so nothing is tested, and what has one value only is no breakdown", () => {
    const files = readdirSync(out);
    for (const name of ["comparison-pairs", "by-attack", "by-arch", "by-dataset", "by-style", "repairs-by-attack"]) {
      expect(files, name).not.toContain(`${name}.csv`);
    }
    expect(page).toContain("No test between criteria: 1 clean model here, and 6 are needed.");
    expect(page).not.toContain('id="reproduction"');
  });

  it("tell seconds per model once for each model", () => {
    const [clp] = rowsOf("time").filter(({ name }) => name === "clp");
    expect(clp).toMatchObject({ step: "criterion", models: String(2 * sample.accepted.length), median: "0.5" });
  });

  it("stand together in report.md and beside the original's findings in reproduction.md", () => {
    const [report, reproduction] = ["report.md", "reproduction.md"].map((name) =>
      readFileSync(join(out, name), "utf8"),
    );
    for (const name of ["ranking", "by-level", "repairs", "time"]) {
      expect(report).toContain(readFileSync(join(out, `${name}.md`), "utf8"));
    }
    for (const [, file] of report.matchAll(/!\[[^\n]*\]\(([^)]+)\)/g))
      expect(existsSync(join(out, file)), file).toBe(true);
    expect(report).toContain("](headline-difference.svg)");
    expect(reproduction).toContain("| average-wji | undecided |");
    expect(reproduction).toContain("| slicer-improves | not measured |");
  });

  it("come in every format, and no figure fetches anything", () => {
    const files = readdirSync(out);
    for (const name of ["defects", "ranking", "ranking-full", "repairs", "by-level", "time"]) {
      for (const extension of ["md", "csv", "tex"]) expect(files).toContain(`${name}.${extension}`);
    }
    const figures = files.filter((file) => file.endsWith(".svg"));
    expect(figures.length).toBeGreaterThan(5);
    for (const file of figures) {
      const svg = readFileSync(join(out, file), "utf8");
      expect(svg).toMatch(/^<\?xml[^>]*>\n<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
      expect(svg.replaceAll(/xmlns(:xlink)?="[^"]*"/g, "")).not.toMatch(/https?:|NaN/);
    }
  });
});

describe("writeReport", () => {
  it("escapes hostile names wherever they come from", async () => {
    const { db, dir, accepted } = await judgedDatabase(join(temporaryFolder(), "db"), { count: 3 });
    const evil = `</script><img src=x onerror=alert(1)>"'&`;
    const clean = db.readClean(accepted[0].clean);
    db.writeClean({ ...clean, classes: CLASSES.map(() => evil), recipe: { note: evil } });
    const rejected = db
      .listDefects()
      .map((id) => db.readDefect(id))
      .find(({ status }) => status === "rejected")!;
    db.writeDefect({ ...rejected, reason: evil });
    db.writeDefect({ ...accepted[0], recipe: { note: evil }, engine: { ...accepted[0].engine, runtime: evil } });
    const messages: string[] = [];
    await makeReport(db, { dataDir: "", warn: (message) => messages.push(message) });
    const text = readFileSync(join(dir, "report.html"), "utf8");
    expect(text).not.toContain("<img src=x");
    expect(text).toContain("&lt;img src=x onerror=alert(1)&gt;");
    expect(text.match(/<\/script>/g)).toHaveLength(1);
    // Its records name other images than the signs as drawn.
    expect(messages).toEqual([expect.stringContaining("no pictures of 'signs'")]);
    expect(text).toContain("were not at hand");
  });

  it("helps on where the database is empty", async () => {
    const dir = join(temporaryFolder(), "db");
    const db = await openDatabase(dir, { create: { edition: "demo", seed: 3, data: {} } });
    const text = readFileSync(await writeReport(db), "utf8");
    expect(text).toContain("holds no defects yet");
    expect(text).toContain("bdefects build --db DIR");
  });

  it("says what there is where nothing was judged", async () => {
    const { db } = await (await import("../store/fixture.ts")).sampleDatabase(join(temporaryFolder(), "db"), 1);
    const text = readFileSync(await writeReport(db), "utf8");
    expect(text).toContain("No predictions yet");
    expect(text).toContain("No repairs yet");
  });

  it("leaves out results of other weights, and says so", async () => {
    const { db, accepted } = await judgedDatabase(join(temporaryFolder(), "db"), { count: 2 });
    const results = new Results(db);
    const [{ id }] = accepted;
    results.savePrediction({ ...results.prediction("fp", id, "infected")!, model_sha256: "a".repeat(64) });
    results.saveRepair({ ...results.repair("prune", "oracle", id)!, model_sha256: "a".repeat(64) });
    const data = collect(db);
    expect(data.outdated).toEqual([`localize/fp/${id}.infected`, `repair/prune/oracle/${id}`]);
    expect(data.scores.filter((row) => row.criterion === "fp" && row.id === id && row.version === "infected")).toEqual(
      [],
    );
    expect(readFileSync(await writeReport(db), "utf8")).toContain("2 results left out");
  });

  it("praises no repair for a criterion that saw triggered samples", async () => {
    const { db, accepted } = await judgedDatabase(join(temporaryFolder(), "db"), { count: 1 });
    const results = new Results(db);
    const [{ id }] = accepted;
    const { criterion: _, ...seen } = results.prediction("clp", id, "infected")!;
    results.savePrediction({ ...seen, criterion: "deepmufl", access: "failing" });
    results.saveRepair({ ...results.repair("prune", "clp", id)!, using: "deepmufl", asr_after: 0 });
    const data = collect(db);
    const text = summary(data).body.text;
    expect(text).toContain("those chosen by <code>clp</code>");
    expect(text).not.toContain("deepmufl");
    const { tables } = await repairs(data);
    const row = tables![0].rows.find(({ using }) => using === "deepmufl");
    expect(row).toMatchObject({ access: "failing", asrAfter: 0 });
  });

  it("refuses a folder inside the database and a database it may not write, and changes nothing", async () => {
    const { db, dir } = await judgedDatabase(join(temporaryFolder(), "db"), { count: 1 });
    await expect(writeReport(db, { out: join(dir, "results", "tables") })).rejects.toThrow(InputError);
    const readOnly = await openDatabase(dir, { readOnly: true });
    await expect(writeReport(readOnly)).rejects.toThrow(/read-only/);
    expect(existsSync(join(dir, "report.html"))).toBe(false);
    const elsewhere = join(temporaryFolder(), "out");
    mkdirSync(elsewhere);
    const mine = join(temporaryFolder(), "mine");
    mkdirSync(mine);
    writeFileSync(join(mine, "report.md"), "mine");
    await expect(writeReport(readOnly, { out: mine })).rejects.toThrow(/holds 'report\.md', which no report wrote/);
    expect([readdirSync(mine), readFileSync(join(mine, "report.md"), "utf8")]).toEqual([["report.md"], "mine"]);
    expect(await writeReport(readOnly, { out: elsewhere, formats: ["md"] })).toBe(join(elsewhere, "report.html"));
    expect(existsSync(join(dir, "report.html"))).toBe(false);
    expect(readdirSync(elsewhere).filter((file) => /\.(csv|tex|svg)$/.test(file))).toEqual([]);
    await writeReport(readOnly, { out: elsewhere, formats: ["md"] });
  });
});

describe("the verb", () => {
  const run = async (...args: string[]) => {
    const lines: string[] = [];
    const spies = [
      vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0),
      vi.spyOn(process.stderr, "write").mockImplementation(() => true),
    ];
    try {
      const program = new Command().exitOverride();
      registerReport(program);
      await program.parseAsync(["report", ...args], { from: "user" });
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    return lines.join("");
  };

  it("prints the page's path and writes what is asked for", async () => {
    const tables = join(temporaryFolder(), "tables");
    const printed = await run("--db", sample.dir, "--data", folder, "--out", tables, "--format", "csv,md");
    expect(printed).toBe(`${join(sample.dir, "report.html")}\n`);
    expect(
      new Set(
        readdirSync(tables)
          .filter((file) => !file.startsWith("."))
          .map((file) => file.split(".").at(-1)),
      ),
    ).toEqual(new Set(["csv", "md"]));
    // Figures were not asked for, so nothing points to them.
    expect(readFileSync(join(tables, "report.md"), "utf8")).not.toContain(".svg");
  });

  it("names the option at fault", async () => {
    await expect(run("--db", sample.dir, "--out", folder, "--format", "pdf")).rejects.toThrow(
      /--format 'pdf': valid are/,
    );
    await expect(run("--db", sample.dir, "--format", "csv")).rejects.toThrow(/--out DIR/);
    await expect(run("--db", join(folder, "none"))).rejects.toThrow(/not a database/);
  });
});

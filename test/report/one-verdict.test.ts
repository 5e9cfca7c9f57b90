import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { parse } from "csv-parse/sync";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { registerScore } from "../../src/cli/verbs/score.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { criterionTable } from "../../src/pipeline/demo/demo-tables.ts";
import { collect } from "../../src/report/collect.ts";
import { writeReport } from "../../src/report/report.ts";
import { Results } from "../../src/store/results/results.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { CLASSES, type SampleDatabase, sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { textOf } from "../structure/sources.ts";

/**
 * Criteria whose order by the headline is the reverse of the alphabet's, of the order by AUROC and of the order by what is
 * found on infected models: whoever goes by another number, or by none, ranks them otherwise.
 */
const ORDER = ["slicer", "nc", "fp", "clp"];

const folder = temporaryFolder();
const out = join(folder, "out");
let sample: SampleDatabase;
let page: string;

beforeAll(async () => {
  sample = await sampleDatabase(join(folder, "db"), 4);
  const results = new Results(sample.db);
  for (const { ...record } of sample.accepted) {
    const found = sample.db.readLabels(record.id);
    const labels = { ...found, effective: found.infected };
    sample.db.writeDefect({ ...record, effective: record.infected }, labels);
    const layers = neuronLayers(buildNetwork(record.arch, CLASSES.length));
    const effective = Object.entries(labels.effective ?? {}).flatMap(([layer, list]) =>
      list.map((c) => `${layer}:${c}`),
    );
    const infected = Object.entries(labels.infected).flatMap(([layer, list]) => list.map((c) => `${layer}:${c}`));
    const all = layers.flatMap(({ name, width }) => Array.from({ length: width }, (_, c) => `${name}:${c}`));
    const outside = all.filter((name) => !infected.includes(name));
    const k = effective.length;
    for (const [place, criterion] of ORDER.entries()) {
      for (const version of ["infected", "sham"] as const) {
        // On the sham the last finds nearly all that it finds; on infected models the last finds most.
        const hits = version === "infected" ? 8 + place : 3 * place;
        // Where the rest of the truth stands makes AUROC go the other way.
        const high = (version === "infected") === place > 1;
        const top = [...effective.slice(0, hits), ...outside.slice(0, k - hits)];
        const rest = all.filter((name) => !top.includes(name));
        const truth = rest.filter((name) => effective.includes(name) || infected.includes(name));
        const others = rest.filter((name) => !truth.includes(name));
        const order = [...top, ...(high ? [...truth, ...others] : [...others, ...truth])];
        const score = new Map(order.map((name, i) => [name, all.length - i]));
        const scores = Object.fromEntries(
          layers.map(({ name, width }) => [name, Array.from({ length: width }, (_, c) => score.get(`${name}:${c}`)!)]),
        );
        const ref = version === "sham" ? record.sham_model! : record.infected_model!;
        results.savePrediction({
          ...{ kind: "prediction", id: record.id, version, criterion, access: "clean", budget: "short", note: null },
          ...{ seconds: 0.5, seed: 1, model_sha256: ref.decoded_sha256, raw: scores, scores, native: top },
        });
      }
    }
    for (const [i, using] of ["oracle", ...ORDER.toReversed(), "random"].entries()) {
      results.saveRepair({
        ...{ kind: "repair", id: record.id, method: "prune", using, seed: 1, budget: "short", neurons: ["conv1:0"] },
        ...{ model_sha256: record.infected_model!.decoded_sha256, ca_before: 0.9, asr_before: 1, seconds: 0.1 },
        ...{ ca_after: 0.8, asr_after: 0.1 * i },
      });
    }
  }
  page = readFileSync(await writeReport(sample.db, { out }), "utf8");
});

/** Criteria in the order in which a text or list first names them. */
function orderIn(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names.filter((name) => name !== undefined && ORDER.includes(name)))] as string[];
}

function namedIn(text: string): string[] {
  return orderIn([...text.matchAll(new RegExp(`\\b(${ORDER.join("|")})\\b`, "g"))].map(([name]) => name));
}

describe("one verdict", () => {
  it("is put to the test here: AUROC and the infected models alone would rank otherwise", () => {
    const { ranking } = collect(sample.db);
    expect(ranking.map(({ criterion, rank }) => [criterion, rank])).toEqual(ORDER.map((name, i) => [name, i + 1]));
    const infected = [...ranking].sort((a, b) => b.infected! - a.infected!).map(({ criterion }) => criterion);
    expect(infected).not.toEqual(ORDER);
    const auroc = parse(readFileSync(join(out, "ranking-full.csv")), { columns: true }) as Record<string, string>[];
    const byAuroc = [...auroc].sort((a, b) => Number(b.auroc_difference) - Number(a.auroc_difference));
    expect(byAuroc.map(({ criterion }) => criterion)).not.toEqual(ORDER);
  });

  it("stands in every table that is written, whatever it shows", () => {
    const tables = readdirSync(out).filter((file) => file.endsWith(".csv") && file !== "scores.csv");
    let checked = 0;
    for (const file of tables) {
      const rows = parse(readFileSync(join(out, file)), { columns: true }) as Record<string, string>[];
      for (const field of ["criterion", "first", "name", "using"]) {
        const found = orderIn(rows.map((row) => row[field]?.split(":")[0]));
        if (found.length < 2) continue;
        expect(found, `${file}: ${field}`).toEqual(ORDER.slice(0, found.length));
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(6);
  });

  it("stands in every figure, sentence and part of the page", () => {
    const [short] = page.split('id="examples"');
    const sentence = /<b>Localization\.<\/b>(.*?)<\/li>/s.exec(short)![1];
    expect(namedIn(sentence)[0]).toBe(ORDER[0]);
    const headings = [...page.matchAll(/<th scope="row" class="id">([^<]+)/g)].map(([, name]) => name.trim());
    const runs = headings.reduce<string[][]>(
      (all, name) => {
        if (!ORDER.includes(name)) all.push([]);
        else if (all.at(-1)!.at(-1) !== name) {
          // A table that begins after another one begins anew.
          if (name === ORDER[0]) all.push([name]);
          else all.at(-1)!.push(name);
        }
        return all;
      },
      [[]],
    );
    for (const run of runs.filter(({ length }) => length > 1)) expect(run).toEqual(ORDER.slice(0, run.length));
    const figures = readdirSync(out).filter((file) => file.endsWith(".svg") && !file.startsWith("strips-"));
    const told = figures.map((file) => namedIn(/<desc>(.*?)<\/desc>/s.exec(readFileSync(join(out, file), "utf8"))![1]));
    expect(told.filter(({ length }) => length > 1).length).toBeGreaterThanOrEqual(3);
    for (const found of told) expect(found).toEqual(ORDER.slice(0, found.length));
    const strips = [...page.matchAll(/<figcaption>(\S+) on the infected model:/g)].map(([, name]) => name);
    expect(orderIn(strips)).toEqual(ORDER);
    expect(namedIn(readFileSync(join(out, "report.md"), "utf8"))).toEqual(ORDER);
  });

  it("is what score --summary and the demo print, to the last digit", async () => {
    const lines: string[] = [];
    const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
    try {
      const program = new Command().exitOverride();
      registerScore(program);
      await program.parseAsync(["score", "--db", sample.dir, "--summary", "--format", "json"], { from: "user" });
    } finally {
      spy.mockRestore();
    }
    const printed = JSON.parse(lines.join("")) as Record<string, unknown>[];
    expect(printed.map(({ criterion }) => criterion)).toEqual(ORDER);
    expect(criterionTable(collect(sample.db).ranking)).toEqual(printed);
    const written = parse(readFileSync(join(out, "ranking.csv")), { columns: true }) as Record<string, string>[];
    for (const [i, row] of written.entries()) {
      for (const field of ["rank", "criterion", "budget", "infected", "sham", "difference", "difference_low"]) {
        expect(row[field], field).toBe(String(printed[i][field]));
      }
    }
  });

  it("is what the docs say of the shipped study: their table is the report's", () => {
    const rows = (text: string, heading: RegExp) => {
      const table = text
        .slice(text.search(heading))
        .split("\n\n")
        .find((part) => part.startsWith("|"))!;
      return table
        .split("\n")
        .filter((line) => line.startsWith("|"))
        .slice(2)
        .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("\\", "")));
    };
    const report = rows(textOf("docs/study/report.md"), /\*\*Criteria by the headline/).filter(
      ([, , , access, budget]) => access === "clean" && budget === "short",
    );
    const docs = rows(textOf("docs/studies.md"), /WJI of the top-k set against the effective neurons/);
    expect(docs.length).toBeGreaterThan(8);
    expect(docs.map((cells) => cells.slice(1, 6))).toEqual(
      report.map(([, criterion, rank, , , difference, infected, sham]) => [
        rank,
        criterion,
        difference,
        infected,
        sham,
      ]),
    );
  });
});

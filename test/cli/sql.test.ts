import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import { beforeAll, describe, expect, it } from "vitest";
import { placesOf } from "../../src/score/ranking.ts";
import { openDatabase } from "../../src/store/database.ts";
import { SAMPLE_DIR } from "../../src/store/shipped/sample.ts";
import { LONG, longIt } from "../setup/long.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";
import { askSample, expectEnd, expectNoReach } from "./statements.ts";

/** A row of `neurons` or `predictions`. */
interface Told {
  id: string;
  version: string;
  criterion: string;
  neuron: string;
  layer: string;
  index: number;
  infected: boolean;
  effective: boolean;
  contribution: number | null;
  effect: number | null;
  raw: number;
  score: number;
  rank: number;
  native: boolean;
}

const GROUP = "gtsrb-vgg13w8-badnets";
const results = join(temporaryFolder(), "results");
const sql = (statement: string, ...more: string[]) => rowsOf(["query", "--db", "sample", "--sql", statement, ...more]);
const within = (statement: string) => sql(statement, "--results", results);

beforeAll(() => {
  const ran = bdefects([
    "localize",
    `${GROUP}:infected`,
    `${GROUP}:sham`,
    "--db",
    "sample",
    "--criterion",
    "clp",
    "--out",
    results,
  ]);
  expect(ran.status, ran.stderr).toBe(0);
});

describe("the tables beyond the catalog's", () => {
  it("neurons: the labels, one row a neuron", async () => {
    const db = await openDatabase(SAMPLE_DIR, { readOnly: true });
    const id = "cifar10-resnet18w8-badnets-small-top040";
    const rows = sql(`select * from neurons where id = '${id}'`);
    expect(Object.keys(rows[0])).toEqual([
      "id",
      "neuron",
      "layer",
      "index",
      "infected",
      "effective",
      "contribution",
      "effect",
    ]);
    expect(rows).toHaveLength(600);
    const labels = db.readLabels(id);
    const expected = (rows as unknown as Told[]).map(({ layer, index }) => {
      const at = (labels.infected[layer] ?? []).indexOf(index);
      return {
        ...{ id, neuron: `${layer}:${index}`, layer, index },
        infected: at >= 0,
        effective: labels.effective?.[layer]?.includes(index) ?? false,
        contribution: at < 0 ? null : labels.contribution[layer][at],
        effect: at < 0 ? null : labels.effect[layer][at],
      };
    });
    expect(rows).toEqual(expected);
  });

  longIt("neurons: as many of each kind as the catalog counts, of every defect that has labels", async () => {
    const db = await openDatabase(SAMPLE_DIR, { readOnly: true });
    const counts =
      "select d.id from defects d join neurons n using (id) group by d.id, d.neurons, d.infected, d.effective having count(*) <> d.neurons or sum(n.infected::int) <> d.infected or sum(n.effective::int) <> d.effective";
    expect(sql(counts)).toEqual([]);
    expect(sql("select count(distinct id) n from neurons")).toEqual([
      { n: db.listDefects().filter((one) => db.readDefect(one).labels_sha256).length },
    ]);
  });

  it("predictions: what a criterion said, ranked", () => {
    const rows = within("select * from predictions order by all") as unknown as Told[];
    expect(new Set(rows.map(({ criterion, version }) => `${criterion} ${version}`))).toEqual(
      new Set(["clp infected", "clp sham"]),
    );
    const { id } = rows[0];
    const stored = JSON.parse(readFileSync(join(results, "localize", "clp", `${id}.infected.json`), "utf8"));
    const mine = rows.filter((row) => row.id === id && row.version === "infected");
    const scores = Object.values(stored.scores as Record<string, number[]>).flat();
    expect(mine).toHaveLength(scores.length);
    for (const { layer, index, raw, score, rank, native, neuron } of mine) {
      expect({ raw, score }).toEqual({ raw: stored.raw[layer][index], score: stored.scores[layer][index] });
      expect(rank).toBe(1 + scores.filter((other) => other > score).length);
      expect(native).toBe(stored.native.includes(neuron));
    }
  });

  it("scores and repairs: what 'score' prints", () => {
    const printed = rowsOf(["score", GROUP, "--db", "sample", "--results", results]);
    const asked = within("select * from scores");
    expect(asked).toHaveLength(printed.length);
    const told = new Set(asked.map((row) => JSON.stringify(Object.entries(row).sort())));
    for (const row of printed) expect(told).toContain(JSON.stringify(Object.entries(row).sort()));
    expect(within("select count(*) n from repairs")).toEqual([{ n: 0 }]);
    expect(sql("select count(*) n from predictions")).toEqual([{ n: 0 }]);
  });

  it("are joined, and found under any case or in quotes", () => {
    const hits = within(
      'SELECT p.version, sum(n.infected::int) hits FROM Predictions p JOIN "neurons" n USING (id, neuron) WHERE p.rank <= 10 GROUP BY 1 ORDER BY 1',
    );
    expect(hits.map(({ version }) => version)).toEqual(["infected", "sham"]);
  });

  it("say which file behind them is damaged", async () => {
    const dir = temporaryFolder();
    const { db, accepted } = await sampleDatabase(dir, 1);
    const path = db.layout.labels(accepted[0].id);
    writeFileSync(path, readFileSync(path, "utf8").replace("0", "1"));
    const ask = (statement: string) => bdefects(["query", "--db", dir, "--sql", statement]);
    expect(ask("select count(*) from defects").status).toBe(0);
    const { status, stderr } = ask("select count(*) from neurons");
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: \S+labels\.json: [^\n]+\n$/);
  });

  it("are exported with the others", async () => {
    const dir = temporaryFolder();
    await sampleDatabase(dir, 1);
    const rows = rowsOf(["export", "--db", dir, "--tables", "csv", "--out", join(dir, "tables")]);
    expect(rows.map(({ table, rows: count }) => [table, count])).toEqual([
      ...[
        ["defects", 3],
        ["clean", 1],
        ["neurons", 300],
        ["predictions", 0],
        ["scores", 0],
        ["repairs", 0],
      ],
    ]);
    const neurons = parse(readFileSync(join(dir, "tables", "neurons.csv")), { columns: true }) as Record<
      string,
      string
    >[];
    expect(neurons.filter(({ infected }) => infected === "true")).toHaveLength(25);
  });
});

describe("a statement", () => {
  it.each([
    [
      "endless",
      "select count(*) from range(1000000000000) a, range(1000000) b",
      ["--timeout", "1"],
      /took more than 1 s.*--timeout/,
    ],
    ["none", "-- no more than this", [], /holds no statement; give SQL/],
  ])("that is %s ends in one line", (_, statement, more, message) => expectEnd(statement, more, message));

  // One of each kind; `sql.long.test.ts` has the others.
  it.each(["select * from read_csv('/etc/passwd')", "copy (select 1) to 'x.csv'", "insert into clean values (1)"])(
    "cannot reach further: %s",
    expectNoReach,
  );

  it("bounds the conditions of every verb, and leaves no file behind", () => {
    const endless = "(select max(a.range + b.range) from range(100000000) a, range(1000000) b) > 1";
    const { status, stderr } = bdefects(["query", "--db", "sample", "--where", endless, "--timeout", "1"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: --where: the statement took more than 1 s[^\n]+\n$/);
    const left = readdirSync(tmpdir()).filter(
      (name) => name.startsWith("bdefects-sql") && name.includes(`-${process.pid}-`),
    );
    expect(left).toEqual([]);
  });

  it.skipIf(process.platform === "win32")("ends with Ctrl-C as any program does, and its process with it", async () => {
    const main = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");
    const endless = "select count(*) from range(1000000000000) a, range(1000000) b";
    const child = spawn(process.execPath, [main, "query", "--db", "sample", "--sql", endless], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    await sleep(2500);
    child.kill("SIGINT");
    // The pipes close when nobody holds them any longer.
    const [, signal] = await once(child, "close");
    expect({ signal, said }).toEqual({ signal: "SIGINT", said: "" });
  });

  it.each([2, ...(LONG ? [20] : [])])("has an answer of %i long texts, whole", (count) => {
    const rows = sql(`select repeat('x', 1000000) as text from range(${count})`);
    expect(rows.map(({ text }) => (text as string).length)).toEqual(Array(count).fill(1_000_000));
  });

  it("has a name that is no formula in CSV", () => {
    const statement = `select {'a': [1, 2], 'b': null} as "=a", 'x' as "\x1b[2J"`;
    expect(sql(statement)).toEqual([{ "=a": { a: [1, 2], b: null }, "\x1b[2J": "x" }]);
    expect(askSample(statement, "--format", "csv").stdout).toMatch(/^'=a,\\x1b\[2J\n/);
  });

  it("without an answer says so to people", () => {
    expect(askSample("select * from clean where false")).toMatchObject({ status: 0, stdout: "", stderr: "no rows\n" });
    expect(sql("select * from clean where false")).toEqual([]);
  });
});

describe("places", () => {
  it("are shared by equal scores", () => {
    expect([...placesOf([0.5, 0.9, 0.5, 0.1])]).toEqual([2, 1, 2, 4]);
    expect([...placesOf([])]).toEqual([]);
  });
});

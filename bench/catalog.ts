import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { wholeNumber } from "../src/cli/arguments.ts";
import { formatOption } from "../src/cli/options.ts";
import { emitRows, type Format } from "../src/cli/output.ts";
import { writeCatalogFile } from "../src/store/catalog/catalog-file.ts";
import { openDatabase } from "../src/store/database.ts";
import { runSelect, selectStatement } from "../src/store/sql/select.ts";
import { runBench } from "./run.ts";
import { syntheticRecord, syntheticRows } from "./synthetic.ts";

/**
 * `npm run bench:catalog`: how long `query` takes on a large catalog once it is open, and how long `ids` and `info`
 * take as programs on a small database.
 */

interface Options {
  records: number;
  rounds: number;
  small: number;
  db?: string;
  format: Format;
}

const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const FIELDS = ["id", "level", "top", "ca", "asr"];
/** From a handful of rows to a quarter of all. */
const CONDITIONS = [
  "group_id = 'cifar10-vgg13w7-badnets'",
  "status = 'accepted' and dataset = 'gtsrb' and level = 'narrow' and asr > 0.99",
  "status = 'accepted' and asr > 0.95 and ca_clean - ca < 0.02",
];

const program = new Command("bench:catalog")
  .description("Seconds of `query` on a large catalog, and of `ids` and `info` as programs on a small database")
  .option("--records <n>", "synthetic records in the large catalog", wholeNumber("--records", 1, 10_000_000), 1_000_000)
  .option("--rounds <n>", "times that each is measured", wholeNumber("--rounds", 1, 1000), 7)
  .option("--small <n>", "synthetic records in the small database", wholeNumber("--small", 1, 10_000), 84)
  .option("--db <dir>", "in place of the small database: one of your own")
  .addOption(formatOption());

async function run({ records, rounds, small, db, format }: Options): Promise<void> {
  process.stderr.write(
    `${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}, Node ${process.versions.node}\n`,
  );
  const folder = mkdtempSync(join(tmpdir(), "bdefects-bench-"));
  try {
    const queries = await timeQueries(join(folder, "catalog.duckdb"), records, rounds);
    const programs = timePrograms(db ?? (await writeSmall(join(folder, "db"), small)), rounds);
    emitRows([...queries, ...programs], format);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The statement, its check and its rows as objects, as `query` makes them; opening and printing are not in it. */
async function timeQueries(path: string, records: number, rounds: number) {
  const began = performance.now();
  await writeCatalogFile(path, { fingerprint: "synthetic", defects: syntheticRows(records), clean: [] });
  const written = (performance.now() - began) / 1000;
  const opening = performance.now();
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  const close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  const opened = (performance.now() - opening) / 1000;
  const megabytes = (statSync(path).size / 1e6).toFixed(0);
  process.stderr.write(
    `${records} records written in ${written.toFixed(1)} s (${megabytes} MB), opened in ${opened.toFixed(3)} s\n`,
  );
  const rows = [];
  for (const where of CONDITIONS) {
    const seconds: number[] = [];
    let found = 0;
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      found = (await runSelect(connection, selectStatement(FIELDS, where), "--where")).length;
      seconds.push((performance.now() - start) / 1000);
    }
    rows.push({ what: "query", where, records, rows: found, ...summary(seconds) });
  }
  close();
  return rows;
}

async function writeSmall(dir: string, count: number): Promise<string> {
  const db = await openDatabase(dir, { create: { edition: "synthetic", seed: 1, data: {} } });
  // Spread over the groups, as a sample is.
  for (let i = 0; i < count; i++) db.writeDefect(syntheticRecord(i * 41));
  return dir;
}

/** The built program from start to end. */
function timePrograms(db: string, rounds: number) {
  if (!existsSync(MAIN)) throw new Error(`${MAIN}: not built; run 'npm run build'`);
  const run = (args: string[]) => {
    const start = performance.now();
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
    if (status !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
    return { stdout, seconds: (performance.now() - start) / 1000 };
  };
  const ids = JSON.parse(run(["ids", "--db", db, "--format", "json"]).stdout) as { id: string }[];
  const verbs = [["ids"], ["info"], ["info", ids[0].id]];
  return verbs.map((args) => {
    const seconds = Array.from({ length: rounds }, () => run([...args, "--db", db]).seconds);
    const what = args.length > 1 ? "info ID" : args[0];
    return { what: `node dist/cli/main.js ${what}`, where: null, records: ids.length, rows: null, ...summary(seconds) };
  });
}

function summary(seconds: number[]) {
  const sorted = [...seconds].sort((a, b) => a - b);
  return { median_s: sorted[sorted.length >> 1], worst_s: sorted[sorted.length - 1] };
}

await runBench(program, run);

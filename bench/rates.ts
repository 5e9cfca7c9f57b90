import { availableParallelism, cpus } from "node:os";
import { measuredRates } from "../src/pipeline/estimate/rates.ts";
import type { RateTable } from "../src/records/rates.ts";
import { openDatabase } from "../src/store/database.ts";

/**
 * `npx tsx bench/rates.ts DATA DB…` prints `recipes/rates.json`: what the records of databases that were built on this
 * machine tell about seconds and bytes. DATA is the folder of the data that they were built from.
 */
const [dataDir, ...dirs] = process.argv.slice(2);
const rates = [];
for (const dir of dirs) rates.push(...measuredRates(await openDatabase(dir, { readOnly: true }), dataDir));
const digits = (value: number) => Number(value.toPrecision(6));
const table: RateTable = {
  machine: `${availableParallelism()} cores of ${cpus()[0].model.trim()}, Node ${process.versions.node}`,
  command: "npx tsx bench/rates.ts DATA DB…",
  rates: rates.map((rate) => ({
    ...rate,
    ...{ seconds: digits(rate.seconds), bytes: rate.bytes === null ? null : digits(rate.bytes) },
    ...{ work: digits(rate.work), values: digits(rate.values) },
  })),
};
process.stdout.write(`${JSON.stringify(table, null, 2)}\n`);

import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { measuredRates } from "../src/pipeline/estimate/rates.ts";
import type { RateTable } from "../src/records/rates.ts";
import { openDatabase } from "../src/store/database.ts";
import { given } from "./given.ts";

/**
 * `npx tsx bench/rates.ts [--cpu SECONDS] DATA DB…` prints `recipes/rates.json`, `recipes/rates-lanes.json` or `recipes/rates-language.json`: what the records of databases that
 * were built on this machine tell about seconds and bytes. DATA is the folder of the data that they were built from. Where other programs ran
 * beside the build, SECONDS of one thread's processor time (user and system, as `time` tells them) take the place of the clock's: all seconds are
 * scaled so that they add up to them.
 */
const { values, positionals } = parseArgs({ options: { cpu: { type: "string" } }, allowPositionals: true });
const [dataDir, ...dirs] = given(positionals);
const rates = [];
for (const dir of dirs) rates.push(...measuredRates(await openDatabase(dir, { readOnly: true }), dataDir));
const all = rates.reduce((sum, { seconds, count }) => sum + seconds * count, 0);
const share = values.cpu === undefined ? 1 : Number(values.cpu) / all;
if (!(share > 0 && share <= 1)) throw new Error(`--cpu ${values.cpu}: the records state ${all.toFixed(1)} seconds`);
const digits = (value: number) => Number(value.toPrecision(6));
const table: RateTable = {
  machine: `${availableParallelism()} cores of ${cpus()[0].model.trim()}, Node ${process.versions.node}`,
  command: `npx tsx bench/rates.ts ${values.cpu === undefined ? "" : `--cpu ${values.cpu} `}DATA DB…`,
  rates: rates.map((rate) => ({
    ...rate,
    ...{ seconds: digits(share * rate.seconds), bytes: rate.bytes === null ? null : digits(rate.bytes) },
    ...{ work: digits(rate.work), values: digits(rate.values) },
  })),
};
process.stdout.write(`${JSON.stringify(table, null, 2)}\n`);

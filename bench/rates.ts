import { availableParallelism, cpus } from "node:os";
import { Command } from "commander";
import { InputError } from "../src/core/errors.ts";
import { measuredRates } from "../src/pipeline/estimate/rates.ts";
import type { RateTable } from "../src/records/rates.ts";
import { openDatabase } from "../src/store/database.ts";
import { runBench } from "./run.ts";

/**
 * `npx tsx bench/rates.ts [--cpu SECONDS] DATA DB…` prints `recipes/rates.json`, `recipes/rates-lanes.json` or `recipes/rates-language.json`: what the records of databases that
 * were built on this machine tell about seconds and bytes. DATA is the folder of the data that they were built from. Where other programs ran
 * beside the build, SECONDS of one thread's processor time (user and system, as `time` tells them) take the place of the clock's: all seconds are
 * scaled so that they add up to them.
 */
const program = new Command("rates")
  .description("Seconds and bytes of a build, from the records of databases")
  .argument("<data>", "the folder of the data that they were built from")
  .argument("<db...>", "databases that were built on this machine")
  .option("--cpu <seconds>", "one thread's processor time in place of the clock's", Number);

await runBench(program, main);

async function main({ cpu }: { cpu?: number }, [dataDir, ...dirs]: string[]): Promise<void> {
  const rates = [];
  for (const dir of dirs) rates.push(...measuredRates(await openDatabase(dir, { readOnly: true }), dataDir));
  const all = rates.reduce((sum, { seconds, count }) => sum + seconds * count, 0);
  const share = cpu === undefined ? 1 : cpu / all;
  if (!(share > 0 && share <= 1))
    throw new InputError(`--cpu: give at most the ${all.toFixed(1)} seconds of the records`);
  const digits = (value: number) => Number(value.toPrecision(6));
  const table: RateTable = {
    machine: `${availableParallelism()} cores of ${cpus()[0].model.trim()}, Node ${process.versions.node}`,
    command: `npx tsx bench/rates.ts ${cpu === undefined ? "" : `--cpu ${cpu} `}DATA DB…`,
    rates: rates.map((rate) => ({
      ...rate,
      ...{ seconds: digits(share * rate.seconds), bytes: rate.bytes === null ? null : digits(rate.bytes) },
      ...{ work: digits(rate.work), values: digits(rate.values) },
    })),
  };
  process.stdout.write(`${JSON.stringify(table, null, 2)}\n`);
}

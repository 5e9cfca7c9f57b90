import { Option } from "commander";
import { BUDGETS, type Budget, DEFAULT_BUDGET } from "../core/budget.ts";
import { DEFAULT_DEVICE, DEVICES, type Device } from "../core/device.ts";
import { DEFAULT_SEED } from "../core/seed.ts";
import { defaultDataDir } from "../files/user-cache.ts";
import { SAMPLE, SAMPLE_DIR } from "../store/shipped/sample.ts";
import { commaList, oneOf, wholeNumber } from "./arguments.ts";
import { FORMATS, type OutputOptions } from "./output.ts";

/** What the shared options give to an action; each verb adds those that it takes. */
export interface SharedOptions extends OutputOptions {
  db: string;
  data: string;
  jobs: number;
  seed: number;
  budget: Budget;
  device: Device;
}

export const DEFAULT_DB = "./bdefects-db";

/** `--db DIR`: the database's folder. Before a verb acts, the archived ones become folders too (`archived-database.ts`). */
export function dbOption(): Option {
  return new Option(
    "--db <dir>",
    `the database's folder; '${SAMPLE}': the small one of the package; 'whole': the large one of the repository, 'lanes', 'text': its ones of lanes and of texts`,
  )
    .env("BDEFECTS_DB")
    .default(DEFAULT_DB)
    .argParser((text) => (text === SAMPLE ? SAMPLE_DIR : text));
}

/** `--out DIR`: where results go in place of the database; the shipped sample cannot be written. */
export function outOption(): Option {
  return new Option("--out <dir>", "the folder that results are written to and read from, in place of the database");
}

/** `--plugin-timeout SECONDS`: for a program of the user's own, on one model. */
export function pluginTimeoutOption(): Option {
  return new Option(
    "--plugin-timeout <seconds>",
    "how long a program of yours may take for one model (default: 600)",
  ).argParser(wholeNumber("--plugin-timeout", 1, 1_000_000));
}

/** `--results DIR`: where results are read from in place of the database. */
export function resultsOption(): Option {
  return new Option("--results <dir>", "the folder that 'localize' and 'repair' wrote with --out");
}

/** `--board DIR`: the leaderboard that a page shows. */
export function boardOption(): Option {
  return new Option("--board <dir>", "the leaderboard's folder (default: this project's)");
}

/** `--data DIR`: where the data sets' official layouts lie. */
export function dataOption(): Option {
  return new Option("--data <dir>", "the folder of the data sets").env("BDEFECTS_DATA").default(defaultDataDir());
}

/** `--format table|json|csv`. */
export function formatOption(): Option {
  return new Option("--format <format>", `one of ${FORMATS.join(", ")}`)
    .default("table")
    .argParser(oneOf("--format", FORMATS));
}

/** `--fields a,b`: which fields are shown, in every format. */
export function fieldsOption(): Option {
  return new Option("--fields <names>", "which fields, separated by commas").argParser(commaList("--fields"));
}

/** `--long`: a table of every field, however wide. */
export function longOption(): Option {
  return new Option("--long", "a table of every field, however wide");
}

/** `--jobs N`: worker processes. */
export function jobsOption(): Option {
  return new Option("--jobs <n>", "worker processes (default: by free cores and memory)").argParser(
    wholeNumber("--jobs", 1, 1024),
  );
}

/** `--device cpu|webgpu`: where networks run. */
export function deviceOption(): Option {
  return new Option("--device <device>", `where networks run: one of ${DEVICES.join(", ")}`)
    .env("BDEFECTS_DEVICE")
    .default(DEFAULT_DEVICE)
    .argParser(oneOf("--device (BDEFECTS_DEVICE)", DEVICES));
}

/** `--seed N`: what every stage derives its own seed from. */
export function seedOption(): Option {
  return new Option("--seed <n>", "seed of everything random")
    .default(DEFAULT_SEED)
    .argParser(wholeNumber("--seed", 0, 2 ** 31 - 1));
}

const WHAT_BUDGETS_ARE = `one of ${BUDGETS.join(", ")} (full: as published; demo: as little as shows that it runs)`;

const parseBudget = oneOf("--budget", BUDGETS);

/** `--budget demo|short|full`: what criteria may spend on one model. */
export function budgetOption(): Option {
  return new Option("--budget <budget>", `what criteria may spend: ${WHAT_BUDGETS_ARE}`)
    .default(DEFAULT_BUDGET)
    .argParser(parseBudget);
}

/** `--budget` of a verb that reads results. @param what it says of them. @param otherwise without it */
export function storedBudgetOption(what = "results of this budget alone", otherwise = "of every budget"): Option {
  return new Option("--budget <budget>", `${what}: ${WHAT_BUDGETS_ARE} (default: ${otherwise})`).argParser(parseBudget);
}

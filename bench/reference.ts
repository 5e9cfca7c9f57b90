import { Command } from "commander";
import { dbOption } from "../src/cli/options.ts";
import { referenceOf } from "../src/pipeline/own/reference.ts";
import { referenceFile } from "../src/records/reference.ts";
import { openDatabase } from "../src/store/database.ts";
import { checksummedJson } from "../src/store/disk/json.ts";
import { ResultFolder } from "../src/store/results/result-folder.ts";
import { Results } from "../src/store/results/results.ts";
import { runBench } from "./run.ts";

/**
 * `npx tsx bench/reference.ts DIR… --db sample > reference/sample.json`: how suspicious the clean criteria find every
 * model of a database, from predictions in the folders that `study` and `localize` wrote with `--out`. `inspect` holds
 * a file against it.
 */
const program = new Command("reference")
  .description("The reference that 'inspect' holds a network of one's own against")
  .argument("<results...>", "folders of stored predictions")
  .addOption(dbOption());

await runBench(program, main);

async function main({ db }: { db: string }, folders: string[]): Promise<void> {
  const database = await openDatabase(db, { readOnly: true });
  const [first, ...others] = folders.map((folder) => new Results(new ResultFolder(folder)));
  process.stdout.write(checksummedJson(referenceFile.parse(referenceOf(database, first, ...others))));
}

import { type Command, Option } from "commander";
import { InputError } from "../../core/errors.ts";
import { DEFAULT_SEED } from "../../core/seed.ts";
import { wholeNumber } from "../arguments.ts";
import { withCellProgress } from "../cell-progress.ts";
import { selectRows } from "../open.ts";
import { dataOption, dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { emitRows, warn } from "../output.ts";

type Options = Pick<SharedOptions, "db" | "data" | "format" | "fields" | "long"> & {
  out?: string;
  where?: string;
  results?: boolean;
  archives?: boolean;
  tables?: "parquet" | "csv" | "json";
  blind?: number;
  key?: string;
  seed?: number;
};

/** Defects with everything they need, as a folder or archive; or catalog and results as tables. */
export function registerExport(program: Command): void {
  program
    .command("export")
    .argument("[selection...]", "ids and group names (none: all)")
    .description("write defects with everything they need, checksummed, to a folder or archive, or as tables")
    .option("--out <path>", "a new folder, or a new file ending in .tar.gz")
    .option("--where <sql>", "a condition on the catalog's fields, e.g. \"status = 'accepted'\"")
    .option("--results", "predictions and repairs too")
    .option(
      "--archives",
      "an archive of each data set and architecture in --out DIR, with their hashes; replaces its own",
    )
    .addOption(
      new Option("--tables <kind>", "instead of defects, tables of catalog, scores and repairs in --out DIR").choices([
        "parquet",
        "csv",
        "json",
      ]),
    )
    .option(
      "--blind <n>",
      "instead of defects, n anonymous folders in --out DIR: infected, sham and clean models mixed",
      wholeNumber("--blind", 1, 100_000),
    )
    .option("--key <file>", "for --blind: where the key goes that says which is which (default: DIR.key.json)")
    .option(
      "--seed <n>",
      "for --blind: draws the same again, also for whoever guesses it (default: a secret in the key)",
      wholeNumber("--seed", 0, 2 ** 31 - 1),
    )
    .addOption(dataOption())
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (names: string[], options: Options) => {
      const { db: dir, out, where, results, tables, archives, ...output } = options;
      if (options.blind !== undefined) return handOut(names, options, options.blind);
      const stray = (["key", "seed"] as const).find((name) => options[name] !== undefined);
      if (stray) throw new InputError(`--${stray}: belongs to --blind`);
      if (!out) throw new InputError("--out: name a new folder, or a new file ending in .tar.gz");
      if (archives && (tables || results)) throw new InputError("--archives: leave out --tables and --results");
      if (archives && /\.(tar|tar\.gz|tgz)$/i.test(out)) {
        throw new InputError(
          `--out ${out}: --archives writes one archive for each data set and architecture; name a folder`,
        );
      }
      if (tables && results) throw new InputError("--results: tables hold results anyway; leave it out");
      const { openDatabase } = await import("../../store/database.ts");
      const db = await openDatabase(dir, { readOnly: true });
      const rows = await selectRows(db, names, where);
      if (tables) {
        const { exportTables } = await import("../../pipeline/tables/export-tables.ts");
        emitRows(await exportTables(db, rows, out, tables), output);
        return;
      }
      if (rows.length === 0) throw new InputError(`no defect ${where ? `where ${where}` : "in the database"}`);
      if (archives) {
        const { writeArchives } = await import("../../store/archives/write.ts");
        // A selection says which archives; an archive with a part of what belongs into it would pass for all of it.
        const pairs = new Set(rows.map(({ dataset, arch }) => `${dataset} ${arch}`));
        const all = await selectRows(db, [], undefined);
        const whole = all.filter(({ dataset, arch }) => pairs.has(`${dataset} ${arch}`));
        emitRows(await withCellProgress((told) => writeArchives(db, whole, out, told), "archives"), output);
        return;
      }
      const { exportDefects } = await import("../../store/transfer/export.ts");
      const ids = rows.map(({ id }) => id);
      const { defects, clean, foreign = [], files } = await exportDefects(db, { ids, out, results: results ?? false });
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      emitRows(
        [{ out, defects: defects.length, clean: clean.length, foreign: foreign.length, files: files.length, bytes }],
        output,
      );
    });
}

/** Anonymous models for a method that runs elsewhere. */
async function handOut(names: string[], options: Options, count: number): Promise<void> {
  const { out, where, seed, results, tables, archives, ...output } = options;
  if (!out) throw new InputError("--out: name a new folder for the models");
  if (results || tables || archives) throw new InputError("--blind: leave out --results, --tables and --archives");
  const { keyPath } = await import("../../pipeline/handout/key.ts");
  const { writeHandout } = await import("../../pipeline/handout/write.ts");
  const { withJudging } = await import("../../pipeline/judging/judge.ts");
  const { selectItems } = await import("../../pipeline/judging/select.ts");
  const { Catalog } = await import("../../store/catalog/catalog.ts");
  const key = options.key ?? keyPath(out);
  // The defender's halves are those of the default seed, the same for all models of a data set.
  const judging = { db: options.db, data: options.data, seed: DEFAULT_SEED, warn };
  const { models, sharing } = await withJudging(judging, async ({ database, bench }) => {
    const items = await selectItems(new Catalog(database), { names, where }, ["infected"]);
    const ids = [...new Set(items.map(({ id }) => id))];
    return withCellProgress((progress) => writeHandout(bench, { ids, count, dir: out, key, seed, progress }), "models");
  });
  if (sharing > 0) {
    warn(
      `${sharing} of ${count} models share their clean model with another: whoever compares them sees where they differ`,
    );
  }
  emitRows([{ out, models: models.length, sharing, key }], output);
}

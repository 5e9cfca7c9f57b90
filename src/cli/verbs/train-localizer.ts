import { type Command, Option } from "commander";
import { InputError } from "../../core/errors.ts";
import { withCellProgress } from "../cell-progress.ts";
import {
  budgetOption,
  dataOption,
  dbOption,
  deviceOption,
  fieldsOption,
  formatOption,
  longOption,
  outOption,
  type SharedOptions,
  seedOption,
} from "../options.ts";
import { emitRows, warn } from "../output.ts";
import { resumable } from "../resumable.ts";

type Options = Pick<SharedOptions, "db" | "data" | "seed" | "budget" | "format" | "fields" | "long" | "device"> & {
  where?: string;
  out?: string;
  truth: "effective" | "full";
};

/** Trains the criterion `learned` anew on a database. */
export function registerTrainLocalizer(program: Command): void {
  program
    .command("train-localizer")
    .description("train a localizer on infected models and shams, and judge each by weights that never saw its like")
    .argument("[selection...]", "ids and groups (default: every accepted defect)")
    .option("--where <sql>", "a condition on the catalog's fields")
    .addOption(
      new Option("--truth <truth>", "the neurons to find: the effective ones, or all infected ones")
        .choices(["effective", "full"])
        .default("effective"),
    )
    .addOption(outOption())
    .addOption(dbOption())
    .addOption(dataOption())
    .addOption(seedOption())
    .addOption(budgetOption())
    .addOption(deviceOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(train);
}

async function train(names: string[], options: Options): Promise<void> {
  const { out } = options;
  if (out === undefined) throw new InputError("--out: name a folder for the localizer and the features");
  const { useDevice } = await import("../../pipeline/device/device.ts");
  const { withJudging } = await import("../../pipeline/judging/judge.ts");
  const { selectItems } = await import("../../pipeline/judging/select.ts");
  const { trainLocalizer } = await import("../../pipeline/learned/train.ts");
  const { Catalog } = await import("../../store/catalog/catalog.ts");
  await useDevice(options.device);
  const { path, rows } = await withJudging({ ...options, warn }, async ({ database, bench }) => {
    const items = await selectItems(new Catalog(database), { names, where: options.where }, ["infected"]);
    const other = items.find(({ version }) => version !== "infected");
    if (other)
      throw new InputError(`'${other.id}:${other.version}': infected models and shams go together; drop the suffix`);
    const ids = items.map(({ id }) => id);
    const bare = ids.find((id) => database.readDefect(id).sham_model === null);
    if (bare !== undefined) throw new InputError(`'${bare}' has no sham to learn from; select others`);
    return resumable(() =>
      withCellProgress((progress) => trainLocalizer({ database, bench, ids, sought: options.truth, out, progress })),
    );
  });
  emitRows(
    rows.map((row) => ({ ...row })),
    options,
    { first: ["without", "truth", "gated", "wji", "wji_sham", "auroc", "auroc_sham", "detection"] },
  );
  process.stderr.write(`${path}\n`);
}

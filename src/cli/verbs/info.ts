import type { Command } from "commander";
import { assertKnownDefect } from "../../store/catalog/selection.ts";
import type { Database } from "../../store/database.ts";
import { shippedName } from "../../store/shipped/shipped.ts";
import { openToRead } from "../open.ts";
import { DEFAULT_DB, dbOption, fieldsOption, formatOption, longOption, type SharedOptions } from "../options.ts";
import { assertFields, emitRows } from "../output.ts";

/** What one thing of a database is: in words for people, as a flat object for machines. */
interface Description {
  facts: Record<string, unknown>;
  page(dbFlag: string): Promise<string> | string;
}

/** What the database is, or all about one defect, group, clean model or foreign model. */
export function registerInfo(program: Command): void {
  program
    .command("info")
    .argument(
      "[id]",
      "a defect, a group, a clean model (clean/<dataset>-<arch>-s<seed>) or a foreign/… model; none: the database",
    )
    .description("describe the database, a defect, a group or a clean model in words")
    .addOption(dbOption())
    .addOption(formatOption())
    .addOption(fieldsOption())
    .addOption(longOption())
    .action(async (id: string | undefined, { db: dir, ...output }: SharedOptions) => {
      const { facts, page } = await describe(await openToRead(dir), id);
      if (output.format !== "table") emitRows([facts], output);
      else if (output.long || output.fields) emitFacts(facts, output.fields);
      else process.stdout.write(await page(dbFlag(dir)));
    });
}

async function describe(db: Database, id: string | undefined): Promise<Description> {
  if (id === undefined) {
    const { databaseFacts, databasePage } = await import("../info/database.ts");
    return { facts: databaseFacts(db), page: (flag) => databasePage(db, flag) };
  }
  if (id.startsWith("foreign/") && !(await isGroup(db, id))) {
    const { readForeign } = await import("../../store/foreign/records.ts");
    const { foreignFacts, foreignPage } = await import("../info/foreign.ts");
    const { whyUnfit } = await import("../../store/foreign/model.ts");
    const record = readForeign(db, id);
    const why = await whyUnfit(db, record);
    return { facts: foreignFacts(record, why), page: (flag) => foreignPage(record, why, flag) };
  }
  if (id.startsWith("clean/")) {
    const { cleanFacts, cleanPage } = await import("../info/clean.ts");
    const record = db.readClean(id);
    return { facts: cleanFacts(record), page: (flag) => cleanPage(db, record, flag) };
  }
  if (await isGroup(db, id)) {
    const { groupFacts, groupPage } = await import("../info/group.ts");
    const { Catalog } = await import("../../store/catalog/catalog.ts");
    const rows = (await new Catalog(db).list()).filter(({ group_id }) => group_id === id);
    return { facts: groupFacts(rows), page: (flag) => groupPage(rows, flag) };
  }
  assertKnownDefect(db, id, groupOf);
  const { defectFacts, defectPage } = await import("../info/defect.ts");
  const record = db.readDefect(id);
  return { facts: await defectFacts(db, record), page: (flag) => defectPage(db, record, flag) };
}

function groupOf(id: string): string {
  return id.split("-").slice(0, 3).join("-");
}

async function isGroup(db: Database, name: string): Promise<boolean> {
  const { listForeign } = await import("../../store/foreign/records.ts");
  return [...db.listDefects(), ...listForeign(db)].some((id) => groupOf(id) === name);
}

/** What the commands on a page need to find this database. */
function dbFlag(dir: string): string {
  const name = shippedName(dir);
  if (name !== null) return ` --db ${name}`;
  if (dir === (process.env.BDEFECTS_DB || DEFAULT_DB)) return "";
  return ` --db ${/^[\w./-]+$/.test(dir) ? dir : `'${dir.replaceAll("'", "'\\''")}'`}`;
}

/** A line per field. */
function emitFacts(facts: Record<string, unknown>, chosen?: string[]): void {
  const text = (value: unknown) => {
    if (value === null || value === undefined) return null;
    if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  const names = Object.keys(facts);
  if (chosen) assertFields(chosen, names);
  emitRows(
    (chosen ?? names).map((field) => ({ field, value: text(facts[field]) })),
    { format: "table" },
    { text: "value", wrapped: true },
  );
}

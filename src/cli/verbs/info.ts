import type { Command } from "commander";
import { countNeurons } from "../../core/neurons.ts";
import type { Database } from "../../store/database.ts";
import { DEFECT_FIELD_NAMES, defectRow } from "../../store/rows.ts";
import { twinSha256 } from "../../store/schema.ts";
import { openToRead } from "../open.ts";
import { dbOption, formatOption, type SharedOptions } from "../options.ts";
import { emitRows, type Format } from "../output.ts";

/** What the database is, or all about one defect or clean model. */
export function registerInfo(program: Command): void {
  program
    .command("info")
    .argument(
      "[id]",
      "a defect, a clean model (clean/<dataset>-<arch>-s<seed>) or a foreign/… model; none: the database",
    )
    .description("describe the database, a defect or a clean model")
    .addOption(dbOption())
    .addOption(formatOption())
    .action(async (id: string | undefined, { db: dir, format }: SharedOptions) => {
      const db = await openToRead(dir);
      if (id === undefined) emitFacts(databaseFacts(db), format);
      else if (id.startsWith("foreign/")) emitFacts(await foreignFacts(db, id), format);
      else if (id.startsWith("clean/")) emitFacts(cleanFacts(db, id), format);
      else emitFacts(defectFacts(db, id), format);
    });
}

/** One flat object; people get a line per field. */
function emitFacts(facts: Record<string, unknown>, format: Format): void {
  if (format !== "table") {
    emitRows([facts], format);
    return;
  }
  const text = (value: unknown) => {
    if (value === null || value === undefined) return null;
    if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  emitRows(
    Object.entries(facts).map(([field, value]) => ({ field, value: text(value) })),
    format,
  );
}

function databaseFacts(db: Database) {
  const { edition, seed, data, created } = db.manifest;
  const statuses = db.listDefects().map((id) => db.readDefect(id).status);
  const count = (status: string) => statuses.filter((other) => other === status).length;
  return {
    db: db.dir,
    edition,
    seed,
    datasets: Object.keys(data).sort().join(" "),
    clean: db.listClean().length,
    candidates: statuses.length,
    accepted: count("accepted"),
    rejected: count("rejected"),
    duplicate: count("duplicate"),
    deprecated: count("deprecated"),
    results: db.listResults().length,
    created,
  };
}

function cleanFacts(db: Database, id: string) {
  const record = db.readClean(id);
  return {
    id,
    dataset: record.dataset,
    arch: record.arch,
    classes: record.classes.length,
    ca: record.metrics.ca,
    epochs: record.history.length,
    model_bytes: record.model.bytes,
    model_sha256: record.model.decoded_sha256,
    data_sha256: record.data_sha256,
    ...engineFacts(record.engine),
    ...recipeFacts(record.recipe),
    seconds: record.seconds,
  };
}

/** A model of another make: what its files tell. */
async function foreignFacts(db: Database, id: string) {
  const { readForeign } = await import("../../store/foreign/records.ts");
  const { model, infected, contribution, told, ...record } = readForeign(db, id);
  return {
    ...record,
    poison_path: record.poison_path?.object ?? null,
    infected_neuron_contribution: record.infected_neuron_contribution?.object ?? null,
    infected: infected && countNeurons(infected),
    has_contribution: contribution !== null,
    model_bytes: model.bytes,
    model_sha256: model.decoded_sha256,
    files_not_kept: told.map(({ file }) => file).join(" ") || null,
  };
}

function defectFacts(db: Database, id: string) {
  const record = db.readDefect(id);
  const row = defectRow(record);
  return {
    ...Object.fromEntries(DEFECT_FIELD_NAMES.map((field) => [field, row[field]])),
    ca_masked: record.metrics.ca_masked,
    clean: record.clean,
    attempts: record.attempts.length,
    clean_sha256: record.clean_sha256,
    twin_sha256: twinSha256(record),
    infected_sha256: record.infected_model?.decoded_sha256 ?? null,
    sham_sha256: record.sham_model?.decoded_sha256 ?? null,
    labels_sha256: record.labels_sha256,
    data_sha256: record.data_sha256,
    ...engineFacts(record.engine),
    ...recipeFacts(record.recipe),
  };
}

function engineFacts({ package_version, runtime, lowering, platform }: Record<string, string>) {
  return { engine: `bdefects4nn ${package_version}, ${runtime}, ${lowering}, ${platform}` };
}

/** The recipe flattened: `recipe_steps`, `recipe_optimizer_lr`, … */
function recipeFacts(recipe: Record<string, unknown>, prefix = "recipe"): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(recipe)) {
    const field = `${prefix}_${name}`;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      Object.assign(facts, recipeFacts(value as Record<string, unknown>, field));
    } else {
      facts[field] = Array.isArray(value) ? value.join(" ") : value;
    }
  }
  return facts;
}

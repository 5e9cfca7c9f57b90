import { InputError } from "../../../core/errors.ts";
import { listNeurons } from "../../../core/neurons.ts";
import { DRAWN } from "../../../inject/target.ts";
import type { CleanRecord } from "../../../records/clean.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import type { DefectLabels } from "../../../records/labels.ts";
import type { Database } from "../../database.ts";
import { isDrawn } from "./identity.ts";
import { Ranks } from "./ranks.ts";

/**
 * What records say of each other. No two have the same models, effects or, inside a group of one clean model and style,
 * neurons. Infected neurons are ranks of one order. All models of an edition have the same grid, all its defects the same
 * measurements, those of a data set and architecture the same gates, those of an attack its settings, those of a group the target or that it is drawn.
 */
export class Records {
  private readonly owners = new Map<string, string>();
  private readonly ranks = new Ranks();
  private readonly shared = new Map<string, { text: string; id: string }>();

  /** @returns one line per thing in which a defect is another that was told before, or contradicts it */
  defectFaults(record: DefectRecord, labels: DefectLabels | null): string[] {
    const { id, group_id, style, clean, dataset, arch, attack, recipe } = record;
    const faults: string[] = [];
    const claim = (key: string, what: string) => this.claim(faults, id, key, what);
    const share = (key: string, what: string, value: unknown) => this.share(faults, id, key, what, value);
    for (const [what, ref] of [
      ["infected model", record.infected_model],
      ["sham", record.sham_model],
    ] as const) {
      if (ref) claim(`model ${ref.decoded_sha256}`, what);
    }
    if (labels) {
      claim(`carriers ${labels.carriers.decoded_sha256}`, "effects of all neurons ('carriers')");
      claim(`neurons ${group_id} ${style} ${clean} ${listNeurons(labels.infected).join()}`, "infected neurons");
    }
    if (labels) faults.push(...this.ranks.faults(record, labels.infected));
    share("grid", "'recipe.grid' is", recipe.grid);
    // A recipe may override gates by data set and architecture.
    share(`gates ${dataset} ${arch}`, "'recipe.gates' are", recipe.gates);
    share("measure", "'recipe.measure' is", recipe.measure);
    share(`attack ${attack}`, "'recipe.attack' is", recipe.attack);
    share(`target ${group_id}`, "'target' is", isDrawn(record) ? DRAWN : record.target);
    return faults;
  }

  /** @returns one line per thing in which a clean model is another that was told before, or contradicts it */
  cleanFaults({ id, model, recipe }: CleanRecord): string[] {
    const faults: string[] = [];
    this.share(faults, id, "grid", "'recipe.grid' is", recipe.grid);
    this.claim(faults, id, `model ${model.decoded_sha256}`, "weights");
    return faults;
  }

  private claim(faults: string[], id: string, key: string, what: string): void {
    const owner = this.owners.get(key);
    if (owner === undefined) this.owners.set(key, id);
    else if (owner !== id) faults.push(`has the ${what} of '${owner}'`);
  }

  private share(faults: string[], id: string, key: string, what: string, value: unknown): void {
    const text = JSON.stringify(value) ?? "";
    const first = this.shared.get(key);
    if (first === undefined) this.shared.set(key, { text, id });
    else if (first.text !== text) faults.push(`its ${what} other than in '${first.id}'`);
  }
}

/** Tells of records that are not verified now; damaged ones cannot say what they are. */
export function rememberRecords(db: Database, records: Records, but: ReadonlySet<string>): void {
  const remember = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  };
  for (const id of db.listClean()) if (!but.has(id)) remember(() => records.cleanFaults(db.readClean(id)));
  for (const id of db.listDefects()) {
    if (but.has(id)) continue;
    remember(() => {
      const record = db.readDefect(id);
      records.defectFaults(record, record.labels_sha256 === null ? null : db.readLabels(id));
    });
  }
}

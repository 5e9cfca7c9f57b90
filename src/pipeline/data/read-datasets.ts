import type { Dataset } from "../../datasets/types.ts";
import type { Database } from "../../store/database.ts";
import { asReadBy } from "../../tasks/adoption.ts";
import { describedBy } from "../../tasks/registry.ts";

/** Data sets as clean models read them: one that somebody else made reads texts by tokens of its own. */
export class ReadDatasets {
  private readonly db: Pick<Database, "readClean" | "readBytes">;
  private readonly known = new Map<string, Promise<Dataset>>();

  constructor(db: Pick<Database, "readClean" | "readBytes">) {
    this.db = db;
  }

  /** @param dataset as it was loaded, always the same object @param clean the id of the clean model */
  async of(dataset: Dataset, clean: string): Promise<Dataset> {
    const record = this.db.readClean(clean);
    if (!record.from) return dataset;
    const key = `${dataset.name} ${record.from.description.object}`;
    const known = this.known.get(key) ?? this.read(dataset, record);
    this.known.set(key, known);
    return known;
  }

  private async read(dataset: Dataset, record: ReturnType<Database["readClean"]>): Promise<Dataset> {
    const described = await describedBy(record, (ref) => this.db.readBytes(ref));
    return described ? asReadBy(dataset, described) : dataset;
  }
}

import type { Database } from "../../store/database.ts";
import type { Plan } from "../plan/plan.ts";
import type { ProgressEvent } from "./context.ts";

/** Tells, from the records alone, how far builders elsewhere are with a plan. */
export class RecordWatch {
  private readonly db: Database;
  private readonly clean: Set<string>;
  private readonly candidates: Set<string>;

  /** What is there already is no news. */
  constructor(db: Database, plan: Plan) {
    this.db = db;
    this.clean = new Set(plan.clean.map(({ id }) => id).filter((id) => !db.hasClean(id)));
    this.candidates = new Set(plan.candidates.map(({ id }) => id).filter((id) => !db.hasDefect(id)));
  }

  /** How many models had no record at the last look. */
  missing(): number {
    return this.clean.size + this.candidates.size;
  }

  /** What has been finished since the last look. Lists folders, so that it stays cheap where files are far away. */
  news(): ProgressEvent[] {
    const events: ProgressEvent[] = [];
    for (const id of this.clean.size > 0 ? this.db.listClean() : []) {
      if (!this.clean.delete(id)) continue;
      const { seconds } = this.db.readClean(id);
      events.push({ type: "done", id, kind: "clean", status: "trained", reason: null, seconds });
    }
    for (const id of this.db.listDefects()) {
      if (!this.candidates.delete(id)) continue;
      const { status, reason, seconds } = this.db.readDefect(id);
      events.push({ type: "done", id, kind: "defect", status, reason, seconds });
    }
    return events;
  }
}

import { createdAt, createdWords } from "../../records/database.ts";
import type { Database } from "../../store/database.ts";
import { listForeign } from "../../store/foreign/records.ts";
import { counted, type Part, pageText } from "./page.ts";

/** What a database is as a flat object. */
export function databaseFacts(db: Database) {
  const { edition, seed, data } = db.manifest;
  const statuses = db.soundDefects().map(({ status }) => status);
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
    created: createdAt(db.manifest),
  };
}

/** A database in words. */
export function databasePage(db: Database, dbFlag: string): string {
  const facts = databaseFacts(db);
  const became = (["accepted", "rejected", "duplicate", "deprecated"] as const)
    .filter((status) => facts[status] > 0)
    .map((status) => `${facts[status]} ${status}`);
  const foreign = listForeign(db).length;
  const sentences = [
    `The database of edition '${facts.edition}' with seed ${facts.seed}${createdWords(db.manifest)}.`,
    `Data sets: ${facts.datasets.replaceAll(" ", ", ") || "none"}.`,
    `It holds ${counted(facts.clean, "clean model")} and ${counted(facts.candidates, "candidate")}${became.length > 0 ? `: ${became.join(", ")}` : ""}.`,
    ...(foreign > 0 ? [`It holds ${counted(foreign, "foreign model")}.`] : []),
    facts.results > 0
      ? `It holds ${counted(facts.results, "result")} of criteria and repairs.`
      : "It holds no results yet.",
  ];
  const parts: Part[] = [
    { kind: "text", sentences },
    {
      ...{ kind: "commands", title: "Go on with" },
      commands: [`bdefects groups${dbFlag}`, `bdefects query${dbFlag}`, `bdefects info ID${dbFlag}`],
    },
  ];
  return pageText(facts.db, parts);
}

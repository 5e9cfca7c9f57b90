/**
 * What fingerprints each style leaves (docs/methods.md §7.2): Jaccard of criteria that look for traces of tuning
 * against the infected neurons (as many named as there are), on infected models, shams and drift controls. Of defects
 * that are accepted in both styles. Reads what `bdefects localize` stored; prints Markdown.
 *
 *     npx tsx bench/styles.ts [DB [RESULTS]]
 */
import { STYLES } from "../src/core/ids.ts";
import { resultStore } from "../src/pipeline/judging/judge.ts";
import { scoreAll } from "../src/pipeline/judging/score.ts";
import type { ScoreRow } from "../src/score/score.ts";
import { openDatabase } from "../src/store/database.ts";
import { Results } from "../src/store/results/results.ts";
import { SAMPLE_DIR } from "../src/store/shipped/sample.ts";
import { given } from "./given.ts";

const CRITERIA = ["weight-norm", "weight-floor", "clp", "bnp", "random"];
const VERSIONS = ["infected", "sham", "drift"] as const;

const [dir = SAMPLE_DIR, folder] = given();
const db = await openDatabase(dir, { readOnly: true });
const accepted = new Set(db.listDefects().filter((id) => db.readDefect(id).status === "accepted"));
const pairs = [...accepted].filter((id) => accepted.has(`${id}-discreet`)).map((id) => [id, `${id}-discreet`]);
const items = pairs.flat().flatMap((id) => VERSIONS.map((version) => ({ id, version })));
const all = await scoreAll(db, new Results(resultStore(db, folder)), items, CRITERIA);
const rows = all.filter((row) => row.protocol === "topk" && row.truth === "full" && row.quota === "global");

const styleOf = (id: string) => db.readDefect(id).style;
const show = (values: number[]) => {
  if (values.length === 0) return "–";
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return `${mean.toFixed(3)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`;
};
const line = (cells: string[]) => console.log(`| ${cells.join(" | ")} |`);
const valuesOf = (match: (row: ScoreRow) => boolean) => rows.filter(match).flatMap(({ jaccard }) => jaccard ?? []);

line(["criterion", ...STYLES.flatMap((style) => VERSIONS.map((version) => `${style} ${version}`))]);
line(["---", ...STYLES.flatMap(() => VERSIONS.map(() => "---"))]);
for (const criterion of CRITERIA) {
  const cells = STYLES.flatMap((style) =>
    VERSIONS.map((version) =>
      show(valuesOf((row) => row.criterion === criterion && row.version === version && styleOf(row.id) === style)),
    ),
  );
  line([`\`${criterion}\``, ...cells]);
}
console.log(`\n${pairs.length} defects in both styles`);

import type { DefectRow } from "../../records/defect-row.ts";
import { attackInWords } from "./attack-words.ts";
import { counted, type Part, pageText, percent } from "./page.ts";

const STATUSES = ["accepted", "rejected", "duplicate", "deprecated", "foreign"] as const;
const FIGURES = ["ca_clean", "ca", "asr", "asr_masked", "asr_sham", "infected", "effective"] as const;

/** A group as a flat object: counts by status, and the range of each figure over its accepted defects. */
export function groupFacts(rows: readonly DefectRow[]) {
  const [{ group_id, dataset, arch, attack, width, neurons }] = rows;
  const accepted = rows.filter(({ status }) => status === "accepted");
  const ranges = FIGURES.flatMap((figure) => {
    const { least, most } = rangeOf(accepted, figure);
    return [
      [`${figure}_least`, least],
      [`${figure}_most`, most],
    ];
  });
  return {
    ...{
      group_id,
      dataset,
      arch,
      width,
      attack,
      neurons,
      candidates: rows.filter(isCandidate).length,
      ...countsOf(rows),
    },
    ...Object.fromEntries(ranges),
    seconds: rows.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0),
  };
}

/** A group in words: what became of its candidates, how its accepted defects behave, how to go on. */
export function groupPage(rows: readonly DefectRow[], dbFlag: string): string {
  const [{ group_id, dataset, arch, attack }] = rows;
  const counts = countsOf(rows);
  const accepted = rows.filter(({ status }) => status === "accepted");
  const became = STATUSES.filter((status) => counts[status] > 0).map((status) => `${counts[status]} ${status}`);
  const sentences = [
    `Backdoors of the attack ${attackInWords(attack)} in ${arch}, a network for ${dataset}.`,
    rows.some(isCandidate)
      ? `The group has ${counted(rows.length, "candidate")}: ${became.join(", ")}.`
      : `The group has ${counted(rows.length, "foreign model")}: no gate of ours has judged them.`,
  ];
  if (accepted.length > 0) {
    const range = (figure: (typeof FIGURES)[number], show: (value: number | null) => string) => {
      const { least, most } = rangeOf(accepted, figure);
      return least === most ? show(least) : `${show(least)} to ${show(most)}`;
    };
    sentences.push(
      `Clean accuracy of the accepted is ${range("ca", percent)}, and the trigger reaches the target in ${range("asr", percent)}.`,
      `Infected are ${range("infected", String)} neurons, effective of them ${range("effective", String)}.`,
    );
  }
  const parts: Part[] = [
    { kind: "text", sentences },
    {
      ...{ kind: "rows", title: rows.some(isCandidate) ? "Candidates" : "Models" },
      rows: rows.map(({ id, status, asr, ca, infected, effective, reason }) => ({
        id,
        status,
        asr,
        ca,
        infected,
        effective,
        reason,
      })),
      listing: { first: ["id", "status", "asr", "ca", "infected", "effective", "reason"], text: "reason" },
    },
    {
      ...{ kind: "commands", title: "Read one, judge all" },
      commands: [
        `bdefects info ${(accepted[0] ?? rows[0]).id}${dbFlag}`,
        `bdefects localize ${group_id} --out results${dbFlag}`,
      ],
    },
  ];
  return pageText(group_id, parts);
}

/** Foreign models were not built here. */
function isCandidate({ status }: DefectRow): boolean {
  return status !== "foreign";
}

function countsOf(rows: readonly DefectRow[]) {
  const count = (status: DefectRow["status"]) => rows.filter((row) => row.status === status).length;
  return Object.fromEntries(STATUSES.map((status) => [status, count(status)])) as Record<
    (typeof STATUSES)[number],
    number
  >;
}

function rangeOf(rows: readonly DefectRow[], figure: (typeof FIGURES)[number]) {
  const values = rows.flatMap(({ [figure]: value }) => (value === null ? [] : [value]));
  return values.length === 0 ? { least: null, most: null } : { least: Math.min(...values), most: Math.max(...values) };
}

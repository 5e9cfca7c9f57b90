import type { RankingRow } from "../report/ranking.ts";
import { lineWidth, listingText, wrapLines } from "./listing.ts";
import { emitRows, type OutputOptions } from "./output.ts";
import { RANKING_LISTING } from "./result-listings.ts";

/** What a difference is, for those who read the table alone (docs/methods.md §8.3, §12.5, §13.2). */
const EXPLANATION =
  "difference: WJI of the top-k set against the effective neurons, infected - sham of the same defect; its mean and 95 % interval over clean models. Criteria without a rank are baselines or judged fewer defects.";

/**
 * Prints the ranking of criteria: for people a short table for each access and budget, whose criteria alone compete; else
 * flat rows.
 */
export function emitRanking(rows: readonly RankingRow[], asked: OutputOptions): void {
  if (asked.format !== "table" || asked.long || asked.fields || rows.length === 0) {
    emitRows(rows, asked, RANKING_LISTING);
    return;
  }
  const classes = new Map<string, RankingRow[]>();
  for (const row of rows) {
    const title = `Access ${row.access}, budget ${row.budget}`;
    classes.set(title, [...(classes.get(title) ?? []), row]);
  }
  const fields = ["rank", "criterion", "difference [95 %]", "infected", "sham", "defects"];
  const parts = [...classes].map(([title, members]) => {
    const { defects: most, clean_models: models } = members.find(({ rank }) => rank !== null) ?? members[0];
    const shown = members.map(({ rank, criterion, infected, sham, defects, ...row }) => ({
      ...{ rank, criterion, "difference [95 %]": intervalText(row), infected: rate(infected), sham: rate(sham) },
      defects,
    }));
    return `${title}: ${most} defects of ${models} clean models\n${listingText(shown, fields, {}, lineWidth()).table}`;
  });
  process.stdout.write(`${parts.join("\n")}\n${wrapLines(EXPLANATION, lineWidth())}\n`);
}

type Difference = Pick<RankingRow, "difference" | "difference_low" | "difference_high">;

/** All with a sign, so that the numbers stand below each other. */
function intervalText({ difference, difference_low: low, difference_high: high }: Difference): string {
  const signed = (value: number) => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(3)}`;
  if (difference === null) return "-";
  return low === null || high === null ? signed(difference) : `${signed(difference)} [${signed(low)}, ${signed(high)}]`;
}

function rate(value: number | null): string {
  return value === null ? "-" : value.toFixed(3);
}

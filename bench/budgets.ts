import { Command } from "commander";
import { dbOption, formatOption, resultsOption } from "../src/cli/options.ts";
import { emitRows, type Format } from "../src/cli/output.ts";
import { InputError } from "../src/core/errors.ts";
import { flatScores, indexNeurons } from "../src/core/neuron-index.ts";
import { resultStore } from "../src/pipeline/judging/judge.ts";
import { scoreAll } from "../src/pipeline/judging/score.ts";
import { layersOf } from "../src/pipeline/judging/workbench.ts";
import { openDatabase } from "../src/store/database.ts";
import { Results } from "../src/store/results/results.ts";
import { runBench } from "./run.ts";
import { spearman } from "./spearman.ts";

/**
 * `npx tsx bench/budgets.ts --db DB --results DIR`: what the short budgets cost in quality, on every model that was judged
 * with both (`recipes/study-full.yaml`). A row per criterion and model; metrics against the effective neurons.
 */

interface Options {
  db: string;
  results?: string;
  format: Format;
}

const program = new Command("budgets")
  .description("Scores of the short budget beside those of the full one, where there are both")
  .addOption(dbOption())
  .addOption(resultsOption())
  .addOption(formatOption());

await runBench(program, main);

async function main({ db, results: folder, format }: Options): Promise<void> {
  const database = await openDatabase(db, { readOnly: true });
  const store = resultStore(database, folder);
  const [short, full] = [new Results(store, "short"), new Results(store, "full")];
  const rows: Record<string, string | number | null>[] = [];
  for (const criterion of full.criteria()) {
    for (const id of database.listDefects()) {
      const index = indexNeurons(layersOf(database, database.readDefect(id)));
      for (const version of ["infected", "sham"] as const) {
        const both = [short, full].map((results) => results.prediction(criterion, id, version));
        if (!both[0] || !both[1]) continue;
        const [quick, whole] = await Promise.all(
          [short, full].map((results) => metrics(results, criterion, id, version)),
        );
        const [a, b] = both.map((prediction) => flatScores(index, prediction!.scores));
        rows.push({
          ...{ criterion, id, version },
          spearman: round(spearman(a, b)),
          ...{ auroc: quick.auroc, auroc_full: whole.auroc, ap: quick.ap, ap_full: whole.ap },
          ...{ wji_topk: quick.wji, wji_topk_full: whole.wji },
          ...{ seconds: round(both[0].seconds, 2), seconds_full: round(both[1].seconds, 2) },
        });
      }
    }
  }
  if (rows.length === 0)
    throw new InputError("no model was judged with both budgets: run 'bdefects study study-full' too");
  emitRows(rows, format);

  async function metrics(results: Results, criterion: string, id: string, version: "infected" | "sham") {
    const scores = await scoreAll(database, results, [{ id, version }], [criterion]);
    const row = scores.find(
      ({ truth, protocol, quota }) => truth === "effective" && protocol === "topk" && quota === "global",
    )!;
    return { auroc: round(row.auroc), ap: round(row.ap), wji: round(row.wji) };
  }
}

function round(value: number | null, digits = 3): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}

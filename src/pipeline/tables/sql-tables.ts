import { formatNeuron } from "../../core/neurons.ts";
import { JUDGED_VERSIONS } from "../../records/prediction.ts";
import { NEURON_FIELDS, PREDICTION_FIELDS, REPAIR_FIELDS, SCORE_FIELDS } from "../../records/table-fields.ts";
import { placesOf } from "../../score/ranking.ts";
import type { DerivedTable } from "../../store/catalog/catalog-file.ts";
import type { Database } from "../../store/database.ts";
import { listForeign } from "../../store/foreign/records.ts";
import type { ResultStore } from "../../store/results/result-folder.ts";
import { Results, storedBudgets } from "../../store/results/results.ts";
import type { FlatRow } from "../../store/sql/create-table.ts";
import { repairRow } from "../judging/repair.ts";
import { scoreAll } from "../judging/score.ts";
import { layersOf } from "../judging/workbench.ts";

/**
 * The tables beyond the catalog's: `neurons`, `predictions`, `scores` and `repairs`, derived from labels and results when a
 * statement or an export asks for them.
 *
 * @param store where the results are
 * @param ids the defects that are covered; those without labels have no rows
 * @param foreign the foreign models that are covered, by `neurons` not
 */
export function sqlTables(
  db: Database,
  store: ResultStore,
  ids: readonly string[] = db.listDefects(),
  foreign: readonly string[] = listForeign(db),
): ReadonlyMap<string, DerivedTable> {
  let known: string[] | undefined;
  const labelled = () => {
    known ??= ids.filter((id) => db.readDefect(id).labels_sha256 !== null);
    return known;
  };
  const results = () => storedBudgets(store).map((budget) => new Results(store, budget));
  return new Map<string, DerivedTable>([
    ["neurons", { columns: NEURON_FIELDS, rows: () => neuronRows(db, labelled()) }],
    ["predictions", { columns: PREDICTION_FIELDS, rows: () => predictionRows(results(), [...labelled(), ...foreign]) }],
    ["scores", { columns: SCORE_FIELDS, rows: () => scoreRows(db, results(), [...labelled(), ...foreign]) }],
    ["repairs", { columns: REPAIR_FIELDS, rows: () => repairRows(results(), new Set([...ids, ...foreign])) }],
  ]);
}

function* neuronRows(db: Database, ids: readonly string[]): Iterable<FlatRow> {
  for (const id of ids) {
    const labels = db.readLabels(id);
    for (const { name: layer, width } of layersOf(db, db.readDefect(id))) {
      const infected = labels.infected[layer] ?? [];
      const effective = new Set(labels.effective?.[layer] ?? []);
      for (let index = 0; index < width; index++) {
        const at = infected.indexOf(index);
        const known = (values: number[] | undefined) => (at < 0 ? null : (values?.[at] ?? null));
        yield {
          ...{
            id,
            neuron: formatNeuron(layer, index),
            layer,
            index,
            infected: at >= 0,
            effective: effective.has(index),
          },
          contribution: known(labels.contribution[layer]),
          effect: known(labels.effect[layer]),
        };
      }
    }
  }
}

/** Rank 1 is the most suspicious neuron of the model; equal scores share a rank. */
function* predictionRows(all: readonly Results[], ids: readonly string[]): Iterable<FlatRow> {
  for (const results of all) {
    for (const criterion of results.criteria()) {
      for (const id of ids) {
        for (const version of JUDGED_VERSIONS) {
          const found = results.prediction(criterion, id, version);
          if (!found) continue;
          const native = new Set(found.native);
          const layers = Object.entries(found.scores);
          const ranks = placesOf(layers.flatMap(([, scores]) => scores));
          let at = 0;
          for (const [layer, scores] of layers) {
            for (const [index, score] of scores.entries()) {
              const neuron = formatNeuron(layer, index);
              yield {
                ...{ id, version, criterion, access: found.access, budget: found.budget, neuron, layer, index },
                ...{ raw: found.raw[layer]?.[index] ?? null, score, rank: ranks[at++], native: native.has(neuron) },
              };
            }
          }
        }
      }
    }
  }
}

async function scoreRows(db: Database, all: readonly Results[], ids: readonly string[]): Promise<Iterable<FlatRow>> {
  const items = ids.flatMap((id) => JUDGED_VERSIONS.map((version) => ({ id, version })));
  const rows: FlatRow[] = [];
  for (const results of all) {
    for (const row of await scoreAll(db, results, items, results.criteria())) rows.push({ ...row });
  }
  return rows;
}

function* repairRows(all: readonly Results[], ids: ReadonlySet<string>): Iterable<FlatRow> {
  for (const results of all) {
    for (const repair of results.repairs()) if (ids.has(repair.id)) yield repairRow(repair);
  }
}

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { listNeurons } from "../../core/neurons.ts";
import { isPluginName, PLUGIN_PREFIX } from "../../records/plugin-name.ts";
import type { PredictionFile } from "../../records/prediction.ts";
import { withPath } from "../../store/disk/fs.ts";
import type { Results } from "../../store/results/results.ts";
import { ANSWER_ENDINGS, readAnswerFile } from "../plugin/answer-file.ts";
import type { PluginAccess } from "../plugin/command.ts";
import { type OnOutcome, runCell } from "./cells.ts";
import type { JudgedItem } from "./select.ts";
import { openSubject } from "./subject.ts";
import type { Workbench } from "./workbench.ts";

/** Where scores that were computed elsewhere lie, and what they are called. */
export interface OutsideScores {
  dir: string;
  /** As a plug-in's: `cmd-NAME`. */
  criterion: string;
  access: PluginAccess;
}

/** The stored name of scores computed elsewhere: `NAME` and `cmd-NAME` are the same. @throws InputError on a bad name */
export function outsideName(name: string): string {
  const full = name.startsWith(PLUGIN_PREFIX) ? name : `${PLUGIN_PREFIX}${name}`;
  if (isPluginName(full)) return full;
  throw new InputError(`--criterion '${name}': a name has small letters, digits, _ and -, and 40 characters at most`);
}

/**
 * Takes scores that somebody computed elsewhere as predictions: `<id>.json` for the infected version, else
 * `<id>.<version>.json`; also `.csv` and `.npz`. Each file is checked against its network; one that is missing or wrong costs its
 * own cell.
 *
 * @param onOutcome told what becomes of every cell
 * @param told of files that belong to no model of the selection
 * @throws InputError where there is no such folder
 */
export async function takeScores(
  bench: Workbench,
  results: Results,
  items: readonly JudgedItem[],
  { dir, criterion, access }: OutsideScores,
  onOutcome: OnOutcome,
  told: (message: string) => void,
): Promise<PredictionFile[]> {
  const names = withPath(dir, () => readdirSync(dir));
  const wanted = new Set(items.flatMap(stems));
  const strange = names.filter((name) => endingOf(name) && !wanted.has(stemOf(name)));
  if (strange.length > 0) {
    told(
      `${dir}: ${strange.length} files are of no model of the selection: ${strange.slice(0, 3).join(", ")}${strange.length > 3 ? ", …" : ""}`,
    );
  }
  const predictions: PredictionFile[] = [];
  for (const item of items) {
    const { id, version } = item;
    const prediction = await runCell({ what: `${id}:${version} ${criterion}`, id }, onOutcome, async () => {
      const subject = openSubject(bench, item);
      const file = fileOf(dir, item);
      const { localization, sha256 } = await readAnswerFile(join(dir, file), file, subject.layers());
      const { raw, scores, native, note } = localization;
      return {
        kind: "prediction",
        id,
        version,
        criterion,
        access,
        // What it took is known elsewhere alone.
        seconds: 0,
        elsewhere: true,
        seed: bench.seed,
        budget: results.budget,
        model_sha256: subject.storedHash ?? (await subject.model()).sha256,
        fingerprint: sha256,
        raw,
        scores,
        native: listNeurons(native),
        note: note ?? null,
      } satisfies PredictionFile;
    });
    if (!prediction) continue;
    results.savePrediction(prediction);
    predictions.push(prediction);
  }
  return predictions;
}

function stems({ id, version }: JudgedItem): string[] {
  return version === "infected" ? [id, `${id}.infected`] : [`${id}.${version}`];
}

const endingOf = (name: string) => ANSWER_ENDINGS.find((ending) => name.endsWith(ending));

function stemOf(name: string): string {
  return name.slice(0, -endingOf(name)!.length);
}

/** The one file that holds a model's scores. @throws Error where there is none, or more than one */
function fileOf(dir: string, item: JudgedItem): string {
  const possible = stems(item).flatMap((stem) => ANSWER_ENDINGS.map((ending) => `${stem}${ending}`));
  const there = possible.filter((name) => existsSync(join(dir, name)));
  if (there.length === 1) return there[0];
  if (there.length > 1) throw new Error(`${there.join(" and ")} are both there: leave one`);
  throw new Error(`${dir} holds no ${stems(item).at(0)}.json (.csv, .npz)`);
}

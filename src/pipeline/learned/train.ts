import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { learned } from "../../localize/criteria/learned.ts";
import { fitVariants, RIDGE } from "../../localize/learned/fit.ts";
import type { LeftOut } from "../../localize/learned/localizer.ts";
import { type LocalizerFile, localizerFile } from "../../records/localizer.ts";
import type { Database } from "../../store/database.ts";
import { exists, makeFolder, writeAtomic } from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";
import { assertAllApplicable } from "../judging/applicable.ts";
import type { Progress, Workbench } from "../judging/workbench.ts";
import { type EvaluationRow, evaluate } from "./evaluate.ts";
import { type Sought, trainingSet } from "./training-models.ts";

/** Digits of a weight that are kept. */
const DIGITS = 6;

/** Kinds of groups that are left out in turn. */
const KINDS: readonly LeftOut["by"][] = ["clean", "attack", "arch"];

export const LOCALIZER = "localizer.json";

export interface TrainRequest {
  database: Database;
  bench: Workbench;
  /** Accepted defects with a sham. */
  ids: readonly string[];
  sought: Sought;
  /** The folder for the localizer and the features. */
  out: string;
  progress?: Progress;
}

/**
 * Trains a localizer on a database's infected models and shams, writes it as `localizer.json`, and judges each model by the
 * variants that never saw its like.
 *
 * @throws InputError where there are too few models to leave one clean model out, and where a localizer lies there already
 */
export async function trainLocalizer(request: TrainRequest): Promise<{ path: string; rows: EvaluationRow[] }> {
  const { database, bench, ids, sought, out, progress } = request;
  const path = join(out, LOCALIZER);
  if (exists(path)) throw new InputError(`${path}: exists already; name another folder with --out`);
  assertAllApplicable(
    database,
    ids.map((id) => ({ id })),
    [learned],
    "the criterion",
  );
  const cleans = new Set(ids.map((id) => database.readDefect(id).clean));
  if (cleans.size < 2) {
    throw new InputError(
      "the selected defects come of one clean model: weights that never saw it could not be trained",
    );
  }
  makeFolder(out);
  const { features, models, sha256 } = await trainingSet(bench, ids, sought, join(out, "features"), progress);
  const round = (values: number[]) => values.map((value) => Number(value.toPrecision(DIGITS)));
  const localizer: LocalizerFile = localizerFile.parse({
    kind: "localizer",
    edition: database.manifest.edition,
    training_sha256: sha256,
    models: models.length,
    neurons: models.reduce((sum, { labels }) => sum + labels.length, 0),
    ridge: RIDGE,
    features,
    variants: fitVariants(models, KINDS).map(({ without, bias, weights, centre, scale, gate }) => ({
      ...{ without, bias: round([bias])[0], gate: round([gate])[0] },
      ...{ weights: round(weights), centre: round(centre), scale: round(scale) },
    })),
  });
  writeAtomic(path, `${prettyJson(localizer)}\n`, out);
  return { path, rows: evaluate(database, models, localizer) };
}

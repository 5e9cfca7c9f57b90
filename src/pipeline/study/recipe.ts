import { z } from "zod";
import { BUDGETS } from "../../core/budget.ts";
import { InputError } from "../../core/errors.ts";
import type { Version } from "../../core/ids.ts";
import { CRITERIA } from "../../localize/registry.ts";
import type { Criterion } from "../../localize/types.ts";
import { JUDGED_VERSIONS } from "../../records/prediction.ts";
import { REPAIRED_VERSIONS } from "../../records/repair.ts";
import { STUDY_NAME } from "../../records/study.ts";
import { criteriaNamed } from "../judging/criteria.ts";
import { assertChooses, methodsNamed } from "../judging/methods.ts";
import type { RepairWay } from "../judging/repair.ts";
import { formatUsing, parseUsing } from "../judging/using.ts";
import { PLUGIN_TIMEOUT } from "../plugin/criterion.ts";
import { readRecipe, recipePath } from "../recipe/recipe-file.ts";

/** A study's recipe: what is judged, by whom, repaired how (docs/studies.md, "The recipe"). */

const names = z.array(z.string().min(1));
const ALL = "all";
/** In `using`: every criterion of the study that is no baseline; with `:topk` its top |G|. */
const EVERY_CRITERION = "criteria";
/** What a recipe repairs that does not say more. */
const DEFAULT_VERSIONS: readonly Version[] = ["infected"];

const study = z.strictObject({
  /** Names the study's tables. */
  study: z.string().regex(STUDY_NAME, "give small letters, digits and -, e.g. first-look"),
  seed: z.number().int().min(0),
  /** What criteria may spend on one model; short where it is not said. */
  budget: z.enum(BUDGETS).optional(),
  select: z.strictObject({
    /** Ids and groups. Without these and `where`: every accepted defect. */
    names: names.optional(),
    /** A condition on the catalog's fields. */
    where: z.string().optional(),
  }),
  versions: z.array(z.enum(JUDGED_VERSIONS)).min(1),
  /** Names and commands (`NAME=cmd:COMMAND`); `all` = every one that is no baseline. */
  criteria: z.union([z.literal(ALL), names]),
  /** Judged alike, but not repaired with unless named; `all` = every one. */
  baselines: z.union([z.literal(ALL), names]),
  /** Seconds that a command may take for one model. */
  plugin_timeout: z.number().positive().optional(),
  repairs: z.array(
    z.strictObject({
      method: names.min(1),
      using: names.min(1),
      /** Which versions are repaired, of those above; absent: the infected one. */
      versions: z.array(z.enum(REPAIRED_VERSIONS)).min(1).optional(),
    }),
  ),
});
export type StudyRecipe = z.infer<typeof study>;

/** A recipe with its names looked up. */
export interface Study {
  recipe: StudyRecipe;
  criteria: Criterion[];
  /** Those that the recipe names itself, not by `all`. */
  named: ReadonlySet<string>;
  /** The same as they can be asked for in another process: names and commands. */
  criterionNames: string[];
  repairs: StudyRepair[];
  /** The methods of these, likewise. */
  methodNames: string[];
}

/** One way to repair one version. */
export interface StudyRepair extends RepairWay {
  version: Version;
}

/** Reads a shipped study, or a recipe file of the user's own. @throws InputError naming the file and the first fault */
export function loadStudy(nameOrPath: string): Study {
  const path = recipePath("study", nameOrPath);
  const recipe = readRecipe(path, study);
  try {
    return resolveStudy(recipe);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${path}: ${error.message}`);
  }
}

/** @throws InputError on an unknown name, and on a repair by a criterion that the study does not run */
export function resolveStudy(recipe: StudyRecipe): Study {
  if (recipe.select.where !== undefined && (recipe.select.names ?? []).length > 0) {
    throw new InputError("select: give names or where, not both");
  }
  const timeout = recipe.plugin_timeout ?? PLUGIN_TIMEOUT;
  const isBaseline = ({ kind }: Criterion) => kind === "baseline";
  const registered = (wanted: boolean) =>
    [...CRITERIA.values()].filter((criterion) => isBaseline(criterion) === wanted).map(({ name }) => name);
  const ownNames = recipe.criteria === ALL ? registered(false) : recipe.criteria;
  const baselineNames = recipe.baselines === ALL ? registered(true) : recipe.baselines;
  const own = criteriaNamed(ownNames, { timeout });
  const baselines = criteriaNamed(baselineNames, { timeout });
  const criteria = [...new Map([...own, ...baselines].map((criterion) => [criterion.name, criterion])).values()];
  if (criteria.length === 0 && recipe.repairs.length === 0) throw new InputError("names no criterion and no repair");

  const repairs = new Map<string, StudyRepair>();
  for (const { method, using, versions = DEFAULT_VERSIONS } of recipe.repairs) {
    const unjudged = versions.find((version) => !recipe.versions.includes(version));
    if (unjudged === "infected") throw new InputError("versions: repairs need the infected one");
    if (unjudged !== undefined)
      throw new InputError(`repairs: versions: the study does not judge '${unjudged}'; name it in versions`);
    for (const repairer of methodsNamed(method, { timeout })) {
      for (const text of using.flatMap((entry) => expand(entry, own))) {
        const chosen = parseUsing(text);
        if (chosen.kind === "criterion" && !criteria.some(({ name }) => name === chosen.criterion)) {
          throw new InputError(`repairs: '${text}': the study does not run this criterion; name it in criteria`);
        }
        assertChooses(repairer, chosen);
        for (const version of versions) {
          const way = { method: repairer, using: chosen, version };
          repairs.set(`${repairer.name} ${formatUsing(chosen)} ${version}`, way);
        }
      }
    }
  }
  const methodNames = recipe.repairs.flatMap(({ method }) => method);
  // Two commands under one name would be told apart nowhere.
  methodsNamed(methodNames);
  const criterionNames = [...ownNames, ...baselineNames];
  const named = new Set(
    [...(recipe.criteria === ALL ? [] : own), ...(recipe.baselines === ALL ? [] : baselines)].map(({ name }) => name),
  );
  return { recipe, criteria, named, criterionNames, repairs: [...repairs.values()], methodNames };
}

function expand(entry: string, criteria: readonly Criterion[]): string[] {
  const [name, ...rest] = entry.split(":");
  return name === EVERY_CRITERION ? criteria.map((criterion) => [criterion.name, ...rest].join(":")) : [entry];
}

import { InputError } from "../../core/errors.ts";
import { CRITERIA } from "../../localize/registry.ts";
import type { CleanCriterion } from "../../localize/types.ts";
import { taskOf } from "../../tasks/registry.ts";
import type { Task } from "../../tasks/task.ts";
import { criteriaNamed } from "../judging/criteria.ts";

/**
 * The criteria that a network of one's own can be judged by: nobody has failing tests of it. Unnamed: all
 * that are no baselines, and of these, without images, those that read weights alone.
 *
 * @throws InputError on a criterion of wider access
 */
export function cleanCriteria(
  names: readonly string[] | undefined,
  pluginTimeout: number | undefined,
  hasImages: boolean,
  flag = "--criterion",
): CleanCriterion[] {
  const usual = [...CRITERIA.values()].filter(({ access, kind }) => access === "clean" && kind !== "baseline");
  const unnamed = usual.filter(({ needsData }) => hasImages || !needsData).map(({ name }) => name);
  return criteriaNamed(names ?? unnamed, { timeout: pluginTimeout, stored: [] }).map((criterion) => {
    if (criterion.access !== "clean") {
      throw new InputError(
        `${flag} ${criterion.name}: needs failing tests, which nobody has of a network of one's own; clean ones: ${usual.map(({ name }) => name).join(", ")}`,
      );
    }
    return criterion;
  });
}

/**
 * For networks that there are no samples of.
 * @throws InputError where a criterion needs samples: those of classifiers are named, those of other tasks are not read
 */
export function assertNoneNeeded(
  criteria: readonly CleanCriterion[],
  { name, words }: Pick<Task, "name" | "words">,
  flag = "--criterion",
): void {
  const needy = criteria.find(({ needsData }) => needsData);
  if (!needy) return;
  const { samples } = words;
  throw new InputError(
    `${flag} ${needy.name}: needs clean ${samples}; ${
      name === taskOf({}).name
        ? "name them with --data"
        : `${samples} are not read beside a file of task ${name}; leave ${flag} out: criteria of weights alone run`
    }`,
  );
}

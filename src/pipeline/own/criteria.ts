import { InputError } from "../../core/errors.ts";
import { CRITERIA } from "../../localize/registry.ts";
import type { CleanCriterion } from "../../localize/types.ts";
import { criteriaNamed } from "../judging/criteria.ts";

/**
 * The criteria that a network of one's own can be judged by: nobody has failing tests of it. Unnamed: all
 * that are no baselines, and of these, without images, those that read weights alone.
 *
 * @throws InputError on a criterion of wider access, or that needs images where there are none
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
    if (criterion.needsData && !hasImages) {
      throw new InputError(`${flag} ${criterion.name}: needs clean images; name them with --data`);
    }
    return criterion;
  });
}

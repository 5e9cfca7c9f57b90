import { InputError } from "../../core/errors.ts";
import type { Network } from "../../graph/network.ts";
import { type JudgedTask, NEEDS, type Need, unmetNeed } from "../../localize/needs.ts";
import { isForeignName } from "../../records/foreign.ts";
import type { JudgedItem } from "./select.ts";
import { type DefectSource, networkOf } from "./workbench.ts";

interface Needy {
  name: string;
  needs?: readonly Need[];
}

/** The criteria or repairs that can judge a network. Who asks for all gets these. */
export function applicable<C extends Needy>(criteria: readonly C[], network: Network, task: JudgedTask): C[] {
  return criteria.filter((criterion) => unmetNeed(criterion, network, task) === null);
}

/** @throws InputError where a criterion or repair that was asked for by name needs what a network lacks. @param of whose network it is */
export function assertApplicable(
  criteria: readonly Needy[],
  network: Network,
  task: JudgedTask,
  of: string,
  flag = "--criterion",
): void {
  for (const criterion of criteria) {
    const need = unmetNeed(criterion, network, task);
    if (need === null) continue;
    throw new InputError(`${flag} ${criterion.name}: needs ${NEEDS[need]}, which ${network.arch} (${of}) lacks`);
  }
}

/**
 * As `assertApplicable`, for criteria that are asked for by name on a selection. Defects of one data set and architecture have
 * one network, so one of them is looked at; foreign models come in architectures of ours, which have all.
 */
export function assertAllApplicable(
  source: Pick<DefectSource, "readDefect" | "readClean">,
  items: readonly Pick<JudgedItem, "id">[],
  criteria: readonly Needy[],
  flag?: string,
): void {
  const needy = criteria.filter(({ needs = [] }) => needs.length > 0);
  if (needy.length === 0) return;
  const first = new Map<string, string>();
  for (const { id } of items) {
    const [dataset, arch] = id.split("-");
    if (!isForeignName(id) && !first.has(`${dataset}-${arch}`)) first.set(`${dataset}-${arch}`, id);
  }
  for (const id of first.values()) {
    const { network, task } = networkOf(source, source.readDefect(id));
    assertApplicable(needy, network, task, id, flag);
  }
}

import { InputError, lookup } from "../core/errors.ts";
import type { DatasetDefinition } from "../datasets/types.ts";
import type { Network } from "../graph/network.ts";
import type { Described } from "./adoption.ts";
import { type Architectures, buildNetworkIn, FULL_WIDTH, parseArchIn } from "./architectures.ts";
import type { Attack } from "./attack.ts";
import { classification } from "./classification/task.ts";
import { lanes } from "./lanes/task.ts";
import { reply } from "./language/reply/task.ts";
import { language } from "./language/task.ts";
import type { Task, Words } from "./task.ts";

/** Every task: its folder, one line here. */
export const TASKS: ReadonlyMap<string, Task> = new Map(
  [classification, lanes, language, reply].map((task) => [task.name, task]),
);

/** The task of a record, or of whatever names one; those that name none are of classification. @throws InputError on an unknown one */
export function taskOf({ task }: { task?: string }): Task {
  return task === undefined ? classification : lookup(TASKS, "task", task);
}

/**
 * What a record tells of a clean model that somebody else made; null: it was trained here.
 *
 * @param read the bytes of an object @throws InputError where they describe no model
 */
export async function describedBy<R extends { object: string }>(
  { task, from }: { task?: string; from?: { description: R } },
  read: (ref: R) => Promise<Uint8Array>,
): Promise<Described | null> {
  if (!from) return null;
  const { name, adoption } = taskOf({ task });
  if (!adoption) throw new InputError(`task '${name}' takes no models of others; the record says where one is from`);
  return adoption.described(await read(from.description), `object ${from.description.object}`);
}

/** What a record states of its task: nothing where it is classification, as records from before there were tasks. */
export function taskStamp({ name }: Pick<Task, "name">): { task?: string } {
  return name === classification.name ? {} : { task: name };
}

/** The task that a data set is of. @throws InputError on an unknown data set */
export function taskOfDataset(name: string): Task {
  return taskWith(({ datasets }) => datasets, DATASETS, "data set", name);
}

/** The task that an architecture is of. @param family its name without a width @throws InputError on an unknown one */
export function taskOfArchitecture(family: string): Task {
  const sized = [...TASKS.values()].find((task) => task.sized?.(family));
  if (sized) return sized;
  return taskWith(({ architectures }) => architectures, ARCHITECTURES, "architecture", family);
}

/** The task that an attack is of. @throws InputError on an unknown attack */
export function taskOfAttack(name: string): Task {
  return taskWith(({ attacks }) => attacks, ATTACKS, "attack", name);
}

function taskWith(
  of: (task: Task) => ReadonlyMap<string, unknown>,
  all: ReadonlyMap<string, unknown>,
  what: string,
  name: string,
): Task {
  lookup(all, what, name);
  return [...TASKS.values()].find((task) => of(task).has(name))!;
}

const merged = <T>(of: (task: Task) => ReadonlyMap<string, T>) =>
  new Map([...TASKS.values()].flatMap((task) => [...of(task)]));

/** The data sets, architectures and attacks of every task. */
export const DATASETS: ReadonlyMap<string, DatasetDefinition> = merged(({ datasets }) => datasets);
export const ARCHITECTURES: Architectures = merged(({ architectures }) => architectures);
export const ATTACKS: ReadonlyMap<string, Attack> = merged(({ attacks }) => attacks);

/** The network of a name that states every size; undefined where it is an architecture's, or nothing's. */
function sizedNetwork(arch: string): Network | undefined {
  for (const task of TASKS.values()) {
    const network = task.sized?.(arch);
    if (network) return network;
  }
  return undefined;
}

/** As `parseArchIn`, of any task. A name that states every size has no other width. */
export function parseArch(arch: string): { family: string; baseWidth: number } {
  if (sizedNetwork(arch)) return { family: arch, baseWidth: FULL_WIDTH };
  return parseArchIn(ARCHITECTURES, arch);
}

/** As `buildNetworkIn`, of any task. */
export function buildNetwork(arch: string, targets: number): Network {
  return sizedNetwork(arch) ?? buildNetworkIn(ARCHITECTURES, arch, targets);
}

/** The network of an architecture for a data set. @throws InputError on an unknown name of either */
export function networkFor(arch: string, dataset: string): Network {
  return buildNetwork(arch, taskOfDataset(dataset).targets(lookup(DATASETS, "data set", dataset)).length);
}

const OF_SEVERAL: Words = {
  sample: "sample",
  samples: "samples",
  quality: "CA",
  success: "ASR",
  target: "target",
  targets: "targets",
};

/** The words for what all of some records are of: their task's; those that fit any task, where they are of several or there are none. */
export function wordsOf(records: readonly { task?: string }[]): Words {
  const [task, ...others] = new Set(records.map(taskOf));
  return task && others.length === 0 ? task.words : OF_SEVERAL;
}

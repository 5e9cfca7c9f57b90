import type { Command } from "commander";
import type { Budget } from "../core/budget.ts";
import { suggestion } from "../core/closest.ts";
import { InputError } from "../core/errors.ts";
import { TASKS } from "../tasks/registry.ts";
import type { FolderModelOptions } from "./own-options.ts";
import { assertNoStray } from "./stray-options.ts";

/** Samples that are read at most. */
export const SAMPLES: Record<Budget, number> = { demo: 16, short: 128, full: 1024 };

/** The task whose models come as folders of this form; null where none do. */
export function taskOfFolder(path: string): string | null {
  return [...TASKS.values()].find(({ foreign }) => foreign?.holds(path))?.name ?? null;
}

/** What opens folders of a task. @throws InputError where it has no models in folders */
export function foreignModels(task: string) {
  const foreign = TASKS.get(task)?.foreign;
  if (foreign) return foreign;
  const valid = [...TASKS.values()].flatMap(({ name, foreign: known }) => (known ? [name] : []));
  throw new InputError(
    `--task ${task}${TASKS.has(task) ? "" : suggestion(task, TASKS.keys())}: names what a model in a folder is for, and of tasks only ${valid.join(", ")} has such models; leave --task out for a file`,
  );
}

/** Answers are not trimmed: the space before a word belongs to its token. */
export function promptOf({ template, answers }: FolderModelOptions) {
  if (template === undefined && answers === undefined) return undefined;
  if (template === undefined || answers === undefined) {
    throw new InputError(
      `--${template === undefined ? "template" : "answers"}: give --template and --answers together`,
    );
  }
  return { template, answers: answers.split(",") };
}

/** @throws InputError where an option was given that means nothing for a model in a folder */
export function assertOfFolders(verb: Command, path: string, others: readonly string[] = []): void {
  assertNoStray(verb, [...OF_FILES, ...others], `a language model in a folder, as ${path} is`);
}

const OF_FILES = ["key", "arch", "classes", "mean", "std", "db", "pluginTimeout", "device"];

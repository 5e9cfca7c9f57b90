import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import type { ImageTrigger } from "../../images/trigger/trigger.ts";
import { anyRecord, modelFile, recordFile, triggerFile } from "../../records/checkout.ts";
import type { DefectMetrics } from "../../records/defect.ts";
import type { Backdoor, Trigger } from "../../tasks/backdoor.ts";
import { buildNetwork, parseArch, taskOf, taskOfArchitecture, taskOfDataset } from "../../tasks/registry.ts";
import type { Task } from "../../tasks/task.ts";
import { exists, plainFileBytes, readBytes } from "../disk/fs.ts";
import { sha256Of } from "../objects/objects.ts";
import { triggerFromFile } from "./trigger-file.ts";

/** What a checkout's folder says of its model, checked against itself. */
export interface CheckedOut {
  id: string;
  task: Task;
  dataset: string;
  network: Network;
  classes: string[];
  mean: [number, number, number];
  std: [number, number, number];
  backdoor: Backdoor;
  /** The rates over the whole test split, as the defect's record states them. */
  recorded: DefectMetrics;
  /** The hash of the data set that these were measured on. */
  dataSha256: string;
  /** The hash of the clean twin's weights as safetensors. */
  twinSha256: string;
}

/** Far above what any of ours needs. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Reads what a checkout says of its model: the network, how images are normalised, the trigger, the target and the
 * recorded rates. Weights and images are read elsewhere.
 *
 * @throws InputError where the folder is no checkout, or a file was damaged or does not go with the others
 */
export function readCheckedOut(dir: string): CheckedOut {
  const path = (name: string) => join(dir, name);
  if (exists(path("record.json")) && readPart(path("record.json"), anyRecord).kind === "foreign") {
    throw new InputError(
      `${dir}: is the checkout of a foreign model, whose trigger and clean twin nobody knows, so it has no tests; 'bdefects inspect ${path("model.safetensors")}' looks for a backdoor`,
    );
  }
  if (!exists(path("model.json"))) {
    const what = exists(dir) ? "is no checkout: it has no model.json" : "there is no such folder";
    throw new InputError(`${dir}: ${what}; make one with 'bdefects checkout ID DIR'`);
  }
  const record = readPart(path("record.json"), recordFile);
  const task = taskOf(record);
  const { name, handout } = task;
  if (handout && !handout.back) {
    throw new InputError(
      `${dir}: is of task ${name}, whose checkouts 'bdefects test' does not read; its ${handout.loader} decodes and scores answers in Python`,
    );
  }
  const model = readPart(path("model.json"), modelFile);
  const network = buildNetwork(model.arch, model.classes.length);
  const expected = { input: network.input, layers: neuronLayers(network), nodes: network.nodes };
  for (const part of ["input", "layers", "nodes"] as const) {
    if (isDeepStrictEqual(model[part], JSON.parse(JSON.stringify(expected[part])))) continue;
    throw new InputError(`${path("model.json")}: '${part}' is not that of ${model.arch}; check out again`);
  }
  for (const part of ["arch", "dataset"] as const) {
    if (record[part] === model[part]) continue;
    throw new InputError(`${path("record.json")}: '${part}' is not that of model.json; check out again`);
  }
  for (const part of ["arch", "dataset"] as const) {
    const of = part === "arch" ? taskOfArchitecture(parseArch(record.arch).family) : taskOfDataset(record.dataset);
    if (of === task) continue;
    throw new InputError(
      `${path("record.json")}: '${part}' is of task ${of.name}, and 'task' says ${name}; check out again`,
    );
  }
  if (record.target < 0 || record.target >= model.classes.length) {
    throw new InputError(`${path("record.json")}: 'target' is no class of model.json; check out again`);
  }
  const trigger = triggerOf(path("trigger.json"), network, task);
  if (sha256Of(task.trigger.encode(trigger)) !== record.trigger?.decoded_sha256) {
    throw new InputError(`${path("trigger.json")}: is not the trigger that record.json names; check out again`);
  }
  return {
    id: record.id,
    task,
    dataset: record.dataset,
    network,
    classes: model.classes,
    mean: model.mean,
    std: model.std,
    backdoor: { trigger, target: record.target },
    recorded: record.metrics,
    dataSha256: record.data_sha256,
    twinSha256: record.twin_model?.decoded_sha256 ?? record.clean_sha256,
  };
}

function triggerOf(path: string, network: Network, { handout, trigger }: Task): Trigger {
  if (!handout?.ofTrigger) return imageTriggerOf(path, network);
  const bytes = partBytes(path);
  let found: Trigger;
  try {
    found = handout.ofTrigger.read(bytes, path);
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${error.message}; check out again`);
    throw error;
  }
  const [fault] = trigger.faults(found, network);
  if (fault) throw new InputError(`${path}: ${fault}; check out again`);
  return found;
}

function imageTriggerOf(path: string, { input }: Network): ImageTrigger {
  const trigger = triggerFromFile(readPart(path, triggerFile));
  if (trigger?.height !== input.height || trigger.width !== input.width) {
    throw new InputError(`${path}: is not of ${input.height}×${input.width} pixels; check out again`);
  }
  return trigger;
}

/** @throws InputError naming the file and the first fault */
function readPart<T>(path: string, schema: z.ZodType<T>): T {
  const bytes = partBytes(path);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new InputError(`${path}: is not JSON; check out again`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue.path.length > 0 ? `'${issue.path.join(".")}': ` : "";
  throw new InputError(`${path}: is not of a checkout: ${where}${issue.message}; check out again`);
}

/** @throws InputError where there is no such file, or one that is too large */
function partBytes(path: string): Buffer {
  if (!exists(path)) throw new InputError(`${path}: there is no such file; check out again`);
  if (plainFileBytes(path) > MOST_BYTES)
    throw new InputError(`${path}: is too large to be of a checkout; check out again`);
  return readBytes(path);
}

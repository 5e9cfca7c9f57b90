import { InputError } from "../../core/errors.ts";
import type { LayerWidth, NeuronSet } from "../../core/neurons.ts";
import type { Samples } from "../../core/samples.ts";
import type { Dataset } from "../../datasets/types.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import type { Normalization } from "../../images/image-set.ts";
import type { Suspect } from "../../localize/types.ts";
import { rates } from "../../measure/rates.ts";
import { storedHash } from "../../records/defect.ts";
import { type ForeignRecord, isForeignName } from "../../records/foreign.ts";
import { DATASETS, taskOf } from "../../tasks/registry.ts";
import type { Task } from "../../tasks/task.ts";
import type { StateDict } from "../../tensor/state.ts";
import { failingTests } from "./failing-tests.ts";
import type { JudgedItem } from "./select.ts";
import { type ForeignSource, layersOf, type Model, networkOf, type Workbench } from "./workbench.ts";

/** What is measured before and after a repair; the attack success rate is null where nobody knows the trigger. */
export interface Measured {
  ca: number;
  asr: number | null;
}

/** What criteria and repairs judge: a version of a defect, or a foreign model. All is read when it is first asked for. */
export interface Subject {
  id: string;
  layers(): LayerWidth[];
  /** What it is a version of, without its weights, and what that is for. */
  network(): Network;
  task: Task;
  /** SHA-256 of the weights without loading them; null where they are derived. */
  storedHash: string | null;
  model(): Promise<Model>;
  dataset(): Promise<Dataset>;
  /** Who knows the trigger and the target; null: nobody. */
  backdoor: { target: number; failing(suspect: Suspect): Promise<Samples> } | null;
  /** The infected neurons; null where nobody knows them. */
  infected(): NeuronSet | null;
  measure(state: StateDict): Promise<Measured>;
}

/** @throws InputError where there is no such model, or it cannot be judged */
export function openSubject(bench: Workbench, item: JudgedItem): Subject {
  return isForeignName(item.id) ? foreignSubject(bench, item.id) : defectSubject(bench, item);
}

function defectSubject(bench: Workbench, { id, version }: JudgedItem): Subject {
  const { source } = bench;
  const record = source.readDefect(id);
  const { target } = record;
  const task = taskOf(record);
  const model = once(() => bench.model(record, version));
  const dataset = () => bench.dataset(record);
  const backdoor = async () => ({ trigger: await source.readTrigger(record, task.trigger.decode), target });
  let failing: Promise<Samples> | undefined;
  return {
    id,
    layers: () => layersOf(source, record),
    network: () => networkOf(source, record).network,
    task,
    storedHash: storedHash(record, version),
    model,
    dataset,
    backdoor: {
      target,
      failing: (suspect) => {
        failing ??= backdoor().then((known) => failingTests(task, suspect, known));
        return failing;
      },
    },
    infected: () => source.readLabels(id).infected,
    measure: async (state) => {
      const { test } = await dataset();
      const { quality, success } = await rates(await bench.runner(await model()), state, test, await backdoor());
      return { ca: quality, asr: success };
    },
  };
}

/** Weights alone are looked at where the data set is not known. */
const UNKNOWN: Normalization = { mean: [0, 0, 0], std: [1, 1, 1] };

function foreignSubject(bench: Workbench, id: string): Subject {
  const source = bench.foreign;
  if (!source) throw new InputError(`'${id}' is foreign: 'localize', 'repair' and 'score' judge such models alone`);
  const record = source.read(id);
  const task = taskOf({});
  const model = once(() => openForeign(source, record));
  const dataset = once(async () => {
    const data = await bench.dataset({ id, dataset: record.dataset, data_sha256: null });
    const { classes } = (await model()).network;
    const targets = task.targets(data).length;
    if (targets === classes) return data;
    throw new InputError(
      `'${id}' has ${classes} classes, and data set '${record.dataset}' has ${targets}: it can be judged by its weights alone`,
    );
  });
  return {
    id,
    layers: () => neuronLayers(source.network(record)),
    network: () => source.network(record),
    task,
    storedHash: record.model.decoded_sha256,
    model,
    dataset,
    backdoor: null,
    infected: () => record.infected,
    measure: async (state) => {
      const { test } = await dataset();
      const runner = await bench.runner(await model());
      return { ca: await runner.quality(state, test), asr: null };
    },
  };
}

async function openForeign(source: ForeignSource, record: ForeignRecord): Promise<Model> {
  const { network, state } = await source.load(record);
  if (!network) throw unjudged(record.id);
  const normalization = DATASETS.get(record.dataset)?.normalization ?? UNKNOWN;
  return { task: taskOf({}), network, normalization, state, sha256: record.model.decoded_sha256 };
}

/** @throws InputError where no architecture fits */
export function unjudged(id: string): InputError {
  return new InputError(`'${id}' fits no architecture of ours: it can be checked out and exported, not judged`);
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | undefined;
  return () => {
    begun ??= work();
    return begun;
  };
}

import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import { InputError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import type { LayerWidth } from "../../core/neurons.ts";
import type { Dataset } from "../../datasets/types.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import type { Normalization } from "../../images/image-set.ts";
import type { MeasureRecipe } from "../../inject/recipe.ts";
import type { Suspect } from "../../localize/types.ts";
import { driftModel } from "../../measure/drift.ts";
import type { ModelRunner } from "../../measure/runner.ts";
import { gridOf } from "../../records/clean.ts";
import { type DefectRecord, storedHash } from "../../records/defect.ts";
import type { ForeignRecord } from "../../records/foreign.ts";
import type { JudgedVersion } from "../../records/prediction.ts";
import type { Database } from "../../store/database.ts";
import type { ForeignModel } from "../../store/foreign/model.ts";
import { buildNetwork, taskOf, taskOfDataset } from "../../tasks/registry.ts";
import type { Task } from "../../tasks/task.ts";
import { onGrid } from "../../tensor/half-grid.ts";
import { encodeState } from "../../tensor/safetensors.ts";
import type { StateDict } from "../../tensor/state.ts";
import { discreetDrift, type Rewrite, rewriteFor } from "../build/discreet.ts";
import { ReadDatasets } from "../data/read-datasets.ts";
import { anonymous, halveClean, NO_AUGMENTATION, noSamples } from "./suspect.ts";

/** What judging reads of a database. */
export type DefectSource = Pick<
  Database,
  "readDefect" | "readClean" | "readLabels" | "loadVersion" | "readTrigger" | "readBytes"
>;

/** Where foreign models are read. */
export interface ForeignSource {
  read(id: string): ForeignRecord;
  load(record: ForeignRecord): Promise<ForeignModel>;
  /** But for its number of classes. @throws InputError where no architecture of ours fits */
  network(record: ForeignRecord): Network;
}

export type Runner = ModelRunner & { readonly task: Task } & { trim(): Promise<void>; release(): Promise<void> };

export interface WorkbenchOptions {
  source: DefectSource;
  /** Absent: no foreign model is judged. */
  foreign?: ForeignSource;
  /** Seed of everything that judging draws. */
  seed: number;
  /** What criteria may spend on one model. */
  budget?: Budget;
  /** Loads a data set as the database was built from it: same files, same splits. */
  loadDataset(name: string): Promise<Dataset>;
  createRunner(task: Task, network: Network, normalization: Normalization): Promise<Runner>;
  /** Allows other images than a defect was built from, and is told so once per data set; absent: they are refused. */
  otherData?(message: string): void;
}

/** What tells which samples a model is judged on; a foreign model has no clean one. */
export type JudgedRecord = { id: string; dataset: string; data_sha256: string | null; clean?: string };

/** A version of a defect, ready to be judged. */
export interface Model {
  task: Task;
  network: Network;
  normalization: Normalization;
  state: StateDict;
  /** Of the weights as safetensors. */
  sha256: string;
}

/** The network that a defect is a version of. */
export function networkOf(
  source: Pick<DefectSource, "readClean">,
  record: DefectRecord,
): Pick<Model, "task" | "network" | "normalization"> {
  const { classes, mean, std } = source.readClean(record.clean);
  const network = buildNetwork(record.arch, classes.length);
  return { task: taskOf(record), network, normalization: { mean, std } as Normalization };
}

export function layersOf(source: Pick<DefectSource, "readClean">, record: DefectRecord): LayerWidth[] {
  return neuronLayers(networkOf(source, record).network);
}

/** Data sets that many defects share, loaded once, and the runner of the network at hand. */
export class Workbench {
  readonly seed: number;
  readonly budget: Budget;
  readonly source: DefectSource;
  readonly foreign: ForeignSource | undefined;
  private readonly options: WorkbenchOptions;
  private readonly datasets = new Map<string, Promise<Dataset>>();
  private readonly asRead: ReadDatasets;
  private open: { key: string; runner: Promise<Runner> } | undefined;
  private readonly halves = new WeakMap<Dataset, Suspect["clean"]>();

  constructor(options: WorkbenchOptions) {
    this.seed = options.seed;
    this.budget = options.budget ?? DEFAULT_BUDGET;
    this.source = options.source;
    this.asRead = new ReadDatasets(options.source);
    this.foreign = options.foreign;
    this.options = options;
  }

  /**
   * The data set that a defect was built from, as its clean model reads it; where nobody knows its hash, the one of that name.
   * @throws InputError where the files hold other images and may not.
   */
  async dataset(record: JudgedRecord): Promise<Dataset> {
    const loaded = await this.loaded(record);
    return record.clean === undefined ? loaded : this.asRead.of(loaded, record.clean);
  }

  private async loaded(record: JudgedRecord): Promise<Dataset> {
    let loading = this.datasets.get(record.dataset);
    const isFirst = !loading;
    if (!loading) {
      loading = this.options.loadDataset(record.dataset);
      this.datasets.set(record.dataset, loading);
    }
    const dataset = await loading;
    if (record.data_sha256 === null || dataset.dataHash === record.data_sha256) return dataset;
    if (this.options.otherData) {
      if (isFirst) this.options.otherData(otherSamples(record.dataset));
      return dataset;
    }
    throw new InputError(
      `data set '${record.dataset}' is not the one that '${record.id}' was built from: name that one's folder with --data`,
    );
  }

  /** @throws InputError where the defect has no such version. */
  async model(record: DefectRecord, version: JudgedVersion): Promise<Model> {
    const base = networkOf(this.source, record);
    if (version === "drift") {
      const [clean, infected] = [await this.load(record, "clean"), await this.load(record, "infected")];
      const { infected: neurons } = this.source.readLabels(record.id);
      const state =
        record.style === "discreet"
          ? await discreetDrift(base.network, clean, infected, neurons, this.seed, await this.rewrite(record, base))
          : onGrid(driftModel(base.network, clean, infected, neurons, this.seed), gridOf(record));
      return { ...base, state, sha256: sha256Hex(encodeState(state)) };
    }
    return { ...base, state: await this.load(record, version), sha256: storedHash(record, version)! };
  }

  /** As the defect's own build rewrote its models: same images, by the seed of the recipe in its record. */
  private async rewrite(
    record: DefectRecord,
    base: Pick<Model, "task" | "network" | "normalization">,
  ): Promise<Rewrite> {
    const { seed, measure } = record.recipe as { seed: number; measure: MeasureRecipe };
    const runner = await this.runner(base);
    const images = measure.statistics_images;
    return rewriteFor(base.network, runner, await this.dataset(record), record.arch, images, seed, gridOf(record));
  }

  private load(record: DefectRecord, version: Exclude<JudgedVersion, "drift">): Promise<StateDict> {
    if (storedHash(record, version) !== null) return this.source.loadVersion(record, version);
    throw new InputError(`'${record.id}' has no ${version} version`);
  }

  /**
   * Runs models of a network. Defects come network by network, and one's sessions hold a gigabyte and more: those of the
   * last one are closed, so only one network may be at work.
   */
  async runner({ task, network, normalization }: Pick<Model, "task" | "network" | "normalization">): Promise<Runner> {
    const key = JSON.stringify([task.name, network.arch, network.classes, normalization]);
    if (this.open?.key !== key) {
      const runner = this.release().then(() => this.options.createRunner(task, network, normalization));
      this.open = { key, runner };
    }
    return this.open.runner;
  }

  /**
   * The suspect that a criterion or repair receives, with clean images where a data set is given. What only the last
   * one needed is closed: eleven criteria's sessions together held gigabytes.
   */
  async suspect(model: Model, dataset: Dataset | null): Promise<Suspect> {
    const runner = await this.runner(model);
    await runner.trim();
    return anonymous(
      model,
      dataset?.augmentation ?? NO_AUGMENTATION,
      dataset ? this.clean(model.task, dataset) : noSamples(model.task, model.network),
      runner,
      this.seed,
      this.budget,
    );
  }

  private clean({ inputs }: Task, dataset: Dataset): Suspect["clean"] {
    let halves = this.halves.get(dataset);
    if (!halves) {
      halves = halveClean(inputs, dataset.cleanVal, this.seed);
      this.halves.set(dataset, halves);
    }
    return halves;
  }

  async release(): Promise<void> {
    const last = this.open;
    this.open = undefined;
    // A runner that could not be made was reported where it was asked for, and is no fault of the next network's.
    await last?.runner.then(
      (runner) => runner.release(),
      () => undefined,
    );
  }
}

/** How far a judging run is: finished cells of all, and the one that comes. */
export type Progress = (done: number, total: number, what: string) => void;

/** What must be said where judging uses other samples than a defect was built from. */
export function otherSamples(dataset: string): string {
  return `other ${dataset} ${taskOfDataset(dataset).words.samples} than the defects were built from: some of a defender's samples may have been trained on, and figures differ a little from the records`;
}

import { existsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { type Network, stateShapes } from "../../../graph/network.ts";
import { type StateDict, sizeOf } from "../../../tensor/state.ts";
import { type Config, isLanguageConfig, readConfig } from "./config.ts";
import { findEntries } from "./entries.ts";
import { type OwnCheckout, readOwnCheckout } from "./own-checkout.ts";
import { type ForeignTokenizer, openForeignTokenizer, TOKENIZER_FILES } from "./tokenizer.ts";
import { INDEX, openWeightFiles, type StoredTensor, WHOLE } from "./weight-files.ts";

const CONFIG = "config.json";
const isWeights = (path: string) => /\.safetensors$/i.test(path);

/** Whether a path looks like a folder of Hugging Face's form, or like a file of a language model's weights in one. */
export function holdsLanguageModel(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return existsSync(join(path, CONFIG)) && !existsSync(join(path, "saved_model.pb"));
  if (!found?.isFile() || !isWeights(path)) return false;
  // Networks of other kinds have a config.json, too.
  const config = join(dirname(path), CONFIG);
  return existsSync(config) && isLanguageConfig(config);
}

/** The square of what is larger is no 32-bit float, so no norm of it is a number. */
const LARGEST = 1e18;

/** A language model in a folder of Hugging Face's form. Its weights stay on the disk until they are asked for. */
export class Checkpoint {
  /** As it was named: a folder, or a file of weights in one. */
  readonly path: string;
  readonly folder: string;
  readonly config: Config;
  readonly tokenizer: ForeignTokenizer;
  /** Where the folder is a checkout of ours, what that says of its model. */
  readonly own: OwnCheckout | null;
  /** What must be known to read the results, a line each. */
  readonly notes: readonly string[];
  /** The types of the weights, as the files have them. */
  readonly types: readonly string[];
  readonly files: number;
  /** Paths of all files of weights, also of those that hold nothing of the model. */
  readonly weightFiles: readonly string[];
  /** Names of the files that the model consists of; what else lies in the folder plays no part. */
  readonly names: readonly string[];
  readonly parameters: number;
  private readonly stored: ReadonlyMap<string, StoredTensor>;
  private readonly theirs: (key: string) => string;

  /**
   * Opens a folder: reads what describes the model, and where its weights lie.
   *
   * @param path the folder, or a `.safetensors` file in it to take in place of its `model.safetensors`
   * @throws InputError where it is no such folder, of another layout, or where files, names and shapes do not fit
   */
  constructor(path: string) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) throw new InputError(`${path}: no such file or folder`);
    const isFolder = found.isDirectory();
    if (!isFolder && !isWeights(path)) {
      throw new InputError(
        `${path}: is a file; a language model is the folder with its config.json and weights, or a .safetensors file in such a folder`,
      );
    }
    const folder = isFolder ? path : dirname(path);
    const config = join(folder, CONFIG);
    if (!existsSync(config)) {
      throw new InputError(`${folder}: has no config.json, which says what the weights are; download the whole folder`);
    }
    this.path = path;
    this.folder = folder;
    this.config = readConfig(config);
    const network = this.config.network(1);
    const tensors = openWeightFiles(folder, isFolder ? undefined : path);
    const { stored, theirs, notes } = findEntries(path, this.config.layout, network, tensors);
    this.weightFiles = [...new Set([...tensors.values()].map(({ file }) => file.path))].sort();
    this.stored = stored;
    this.theirs = theirs;
    const checkout = readOwnCheckout(folder);
    this.own = checkout.own;
    this.notes = [...notes, ...checkout.notes];
    this.tokenizer = openForeignTokenizer(folder, network.classes);
    const places = [...stored.values()].map(({ place }) => place);
    this.parameters = places.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    this.types = [...new Set(places.map(({ dtype }) => dtype))].sort();
    const weights = [...new Set([...stored.values()].map(({ file }) => basename(file.path)))];
    this.files = weights.length;
    const beside = [CONFIG, ...TOKENIZER_FILES, ...(isFolder && !weights.includes(WHOLE) ? [INDEX] : [])];
    this.names = [...beside.filter((name) => existsSync(join(folder, name))), ...weights];
  }

  /** The files' own name of a layer of neurons. */
  layerName(layer: string): string {
    return this.theirs(layer);
  }

  /** Where the entries lie, by our names. */
  get entries(): ReadonlyMap<string, StoredTensor> {
    return this.stored;
  }

  /**
   * Reads an entry, or some of it, as 32-bit floats.
   *
   * @param out where they go; `out.length` of them are read @param from the first of them
   * @throws InputError where the file is cut or holds what no layer can compute with
   */
  read(key: string, out: Float32Array, from = 0): void {
    const { file, place } = this.stored.get(key)!;
    file.read(place, out, from);
    for (let i = 0; i < out.length; i++) {
      if (Math.abs(out[i]) <= LARGEST) continue;
      throw new InputError(
        `${file.path}: '${this.theirs(key)}' holds ${Number(out[i].toPrecision(3))} at index ${from + i}: no layer can compute with it; save weights from before training diverged`,
      );
    }
  }

  /** All weights of a network of this model, or of its first layers, in memory. */
  state(network: Network): StateDict {
    return new Map(
      [...stateShapes(network)].map(([key, shape]) => {
        const data = new Float32Array(sizeOf(shape));
        this.read(key, data);
        return [key, { shape, data }];
      }),
    );
  }
}

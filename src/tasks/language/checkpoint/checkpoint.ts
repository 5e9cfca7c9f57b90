import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { type Network, stateShapes } from "../../../graph/network.ts";
import { type StateDict, sizeOf } from "../../../tensor/state.ts";
import { type Config, readConfig } from "./config.ts";
import { findEntries } from "./entries.ts";
import { type ForeignTokenizer, openForeignTokenizer } from "./tokenizer.ts";
import { openWeightFiles, type StoredTensor } from "./weight-files.ts";

/** The square of what is larger is no 32-bit float, so no norm of it is a number. */
const LARGEST = 1e18;

/** A language model in a folder of Hugging Face's form. Its weights stay on the disk until they are asked for. */
export class Checkpoint {
  readonly folder: string;
  readonly config: Config;
  readonly tokenizer: ForeignTokenizer;
  /** What must be known to read the results, a line each. */
  readonly notes: readonly string[];
  /** The types of the weights, as the files have them. */
  readonly types: readonly string[];
  readonly files: number;
  readonly parameters: number;
  private readonly stored: ReadonlyMap<string, StoredTensor>;
  private readonly theirs: (key: string) => string;

  /**
   * Opens a folder: reads what describes the model, and where its weights lie.
   *
   * @throws InputError where it is no such folder, of another layout, or where files, names and shapes do not fit
   */
  constructor(folder: string) {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (!found) throw new InputError(`${folder}: no such file or folder`);
    if (!found.isDirectory()) {
      throw new InputError(`${folder}: is a file; a language model is the folder with its config.json and weights`);
    }
    const path = join(folder, "config.json");
    if (!existsSync(path)) {
      throw new InputError(`${folder}: has no config.json, which says what the weights are; download the whole folder`);
    }
    this.folder = folder;
    this.config = readConfig(path);
    const network = this.config.network(1);
    const { stored, theirs, notes } = findEntries(folder, this.config.layout, network, openWeightFiles(folder));
    this.stored = stored;
    this.theirs = theirs;
    this.notes = notes;
    this.tokenizer = openForeignTokenizer(folder, network.classes);
    const places = [...stored.values()].map(({ place }) => place);
    this.parameters = places.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    this.types = [...new Set(places.map(({ dtype }) => dtype))].sort();
    this.files = new Set([...stored.values()].map(({ file }) => file.path)).size;
  }

  /** The files' own name of a layer of neurons. */
  layerName(layer: string): string {
    return this.theirs(layer);
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

import type { Samples } from "../core/samples.ts";
import type { Augmentation } from "../images/batch.ts";
import type { Normalization } from "../images/image-set.ts";

/** What is fixed about a data set, whatever files hold it. */
export interface DatasetInfo {
  name: string;
  title: string;
  normalization: Normalization;
  /** How training may change a sample (docs/methods.md §3.3). */
  augmentation: Augmentation;
  /** Where the samples come from, in one line. */
  source: string;
}

/**
 * A loaded data set in the splits of docs/methods.md §3.1: the attacker uses `train`, the defender `cleanVal`, scores
 * `test`.
 */
export interface Dataset extends DatasetInfo {
  train: Samples;
  cleanVal: Samples;
  test: Samples;
  /** SHA-256 over the official train and test samples with their truths as loaded: part of every recipe. */
  dataHash: string;
  /** Whether the files are the whole official release or a subset of it. */
  completeness: "official" | "subset" | "generated";
}

export interface LoadOptions {
  /** The folder that holds the official layouts; unused by generated data. */
  dataDir: string;
  /** Seeds the train/cleanVal split. */
  seed: number;
}

/** One file to download: where from, its checksum and where it lands. */
export interface Download {
  url: string;
  md5: string;
  bytes?: number;
  archive: "tar.gz" | "zip";
  /** Folder below the data folder into which the archive is unpacked. */
  into: string;
  /** What the archive brings: paths below the data folder, each moved into place in one step. */
  places: string[];
}

/** An archive that is not downloaded but known, so that one brought by hand can be checked. */
export interface KnownArchive extends Omit<Download, "url" | "bytes"> {
  /** Its file's name. */
  name: string;
}

/** Where a data set's files lie. */
export interface FoundLayout {
  /** How they are laid out, in a few words. */
  layout: string;
  /** The folder that holds them. */
  folder: string;
  /** Names of files that a whole release has beside those that are there. */
  lacking?: string[];
}

/** How many images the official files hold. */
export interface SplitCounts {
  /** The defender's share included. */
  train: number;
  test: number;
}

export interface DatasetDefinition extends DatasetInfo {
  /** Of the whole release. */
  official: SplitCounts;
  /** Counts what is below the data folder without loading it; 0 where nothing is. Absent: the images are drawn. */
  count?(dataDir: string): SplitCounts;
  /** The layouts that are looked for, for messages; none where the images are drawn. */
  layouts: string[];
  /** Where users get what is not downloaded. */
  homepage?: string;
  downloads: Download[];
  otherArchives: KnownArchive[];
  /**
   * Looks for the data set's files: in the data folder, in folders below, and above where the data folder is a part of the
   * data set. Nothing is read.
   *
   * @returns the nearest; several where they are equally near, which `load` refuses
   */
  find(dataDir: string): FoundLayout[];
  /** Whether a folder holds the data set or a part of it, as one of several archives has. */
  holdsPart(folder: string): boolean;
  /** @throws InputError naming the file and the first fault. */
  load(options: LoadOptions): Promise<Dataset>;
}

import type { ImageDatasetDefinition } from "../../dataset.ts";
import { type CifarLayout, readCifarFiles, readNameLines } from "./binary.ts";
import { readCifarPickles, readPickledNames } from "./python.ts";
import { type CifarVersion, countCifar, describeVersions, findCifar, loadCifar } from "./versions.ts";

/** What tells a version's files from the other's. */
interface VersionFiles extends Pick<CifarVersion, "folder" | "train" | "test" | "names" | "recordBytes"> {
  /** What its authors publish it in. */
  archive: { url: string; md5: string; bytes: number };
}

/** What CIFAR-10 and CIFAR-100 differ in. */
export interface CifarFacts extends Pick<ImageDatasetDefinition, "name" | "title" | "classes" | "normalization"> {
  layout: CifarLayout;
  binary: VersionFiles;
  /** Its archive is not fetched; one that lies there is taken. */
  python: Omit<VersionFiles, "archive"> & { archive: { name: string; md5: string }; namesKey: string };
  /** Whether nothing is read without the file of the classes' names. */
  needsNames: boolean;
}

/** CIFAR-10 or CIFAR-100, binary or python version (A. Krizhevsky 2009). */
export function cifarDefinition({ layout, binary, python, needsNames, ...facts }: CifarFacts): ImageDatasetDefinition {
  const { archive: published, ...binaryFiles } = binary;
  const { archive: pickled, namesKey, ...pythonFiles } = python;
  const versions: CifarVersion[] = [
    {
      ...{ layout: "binary version", ...binaryFiles, needsNames, mayNameSome: false },
      ...{ read: readCifarFiles, readNames: readNameLines },
    },
    {
      ...{ layout: "python version", ...pythonFiles, needsNames, mayNameSome: true },
      ...{ read: readCifarPickles, readNames: (path) => readPickledNames(path, namesKey) },
    },
  ];
  return {
    ...facts,
    augmentation: { flip: true, cropPadding: 4 },
    source: "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    official: { train: 50_000, test: 10_000 },
    count: (dataDir) => countCifar(versions, dataDir),
    layouts: describeVersions(versions),
    downloads: [{ ...published, archive: "tar.gz", into: "", places: [binary.folder] }],
    otherArchives: [{ ...pickled, archive: "tar.gz", into: "", places: [python.folder] }],
    find: (dataDir) => findCifar(versions, dataDir),
    holdsPart: (folder) => findCifar(versions, folder).length > 0,
    async load(options) {
      return loadCifar(this, versions, layout, options);
    },
  };
}

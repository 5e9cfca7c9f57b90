import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "../../../../core/errors.ts";
import {
  type Candidate,
  fileBelow,
  folderBelow,
  foldersAbove,
  foldersBelow,
  isFolder,
  isWithin,
  Listing,
  nearest,
} from "../../../../datasets/files/locate.ts";
import type { FoundLayout } from "../../../../datasets/types.ts";
import { hasClassIds } from "./csv.ts";
import { type LabelledFile, listClassFolders, listTable, listTest, type TrackedFile } from "./pictures.ts";

/** Where GTSRB's pictures and labels lie. */
export interface GtsrbPlace extends FoundLayout {
  /** The annotation files of the training pictures: one, or one for each class. */
  train: { folder: string; csv: string | null };
  test: { folder: string; csv: string };
}

/** What is looked for, for messages. */
export const GTSRB_LAYOUTS = [
  "GTSRB/ (official: Final_Training/Images/00000/, Final_Test/Images/, GT-final_test.csv)",
  "gtsrb/ (torchvision: GTSRB/Training/00000/, GTSRB/Final_Test/Images/, GT-final_test.csv)",
  "Train.csv, Test.csv, Train/ and Test/ (Kaggle)",
];

/** The final release; the competition's, which torchvision takes; and the release unpacked by hand. */
const TRAIN_FOLDERS = [
  { path: "Final_Training/Images", layout: "official layout" },
  { path: "Training", layout: "torchvision's layout" },
  { path: "Final_Training", layout: "official layout" },
];
const TEST_FOLDERS = ["Final_Test/Images", "Final_Test"];
const LABELS = "GT-final_test.csv";
/** The test labels come in an archive of their own; people unpack it in one of these places. */
const LABEL_PLACES = [
  `Final_Test/${LABELS}`,
  `Final_Test/Images/${LABELS}`,
  LABELS,
  `Final_Test/GT/${LABELS}`,
  `GTSRB_Final_Test_GT/${LABELS}`,
];
const KAGGLE = "Kaggle's layout";
const OFFICIAL_NAME = "gtsrb";

/** A part of the data set, with what a whole one needs beside it. */
interface Parts {
  folder: string;
  train: { folder: string; csv: string | null; layout: string } | null;
  test: string | null;
  labels: string | null;
}

/** Where the whole data set lies, nearest first. */
export function findGtsrb(dataDir: string): GtsrbPlace[] {
  const below = foldersBelow(dataDir);
  const found = nearest(below.flatMap((listing) => candidateOf(listing)));
  if (found.length > 0) return found;
  const scattered = gathered(below.map(({ folder }) => partsOf(folder)));
  if (scattered) return [scattered];
  // The data folder may be one of the parts: `--data GTSRB/Final_Training/Images`.
  const around = foldersAbove(dataDir, 2).flatMap((folder) => candidateOf(new Listing(folder)));
  const touching = around.filter(({ place }) =>
    [place.train.folder, place.test.folder].some((part) => isWithin(dataDir, part) || isWithin(part, dataDir)),
  );
  return touching.slice(0, 1).map(({ place }) => place);
}

function candidateOf({ folder, depth }: Listing): Candidate<GtsrbPlace>[] {
  const isOfficial = basename(resolve(folder)).toLowerCase() === OFFICIAL_NAME;
  const near = isOfficial && depth === 1 ? -1 : depth;
  const official = wholeOf(partsOf(folder));
  const places = [official, kaggleOf(folder)].filter((place) => place !== null);
  return places.map((place, i) => ({ rank: [near, isOfficial ? 0 : 1, i], place }));
}

function partsOf(folder: string): Parts {
  const trains = TRAIN_FOLDERS.map(({ path, layout }) => ({ folder: folderBelow(folder, path), csv: null, layout }));
  const train = trains.find((found) => found.folder !== null && hasClassFolders(found.folder));
  const tests = TEST_FOLDERS.map((path) => folderBelow(folder, path));
  const places = [...LABEL_PLACES.map((path) => [folder, path]), [dirname(resolve(folder)), LABELS]];
  const labels = [...places, [dirname(resolve(folder)), `GTSRB_Final_Test_GT/${LABELS}`]].map(([at, path]) =>
    fileBelow(at, path),
  );
  return {
    folder,
    train: train ? { ...train, folder: train.folder! } : null,
    test: tests.find((found) => found !== null) ?? null,
    labels: labels.find((found) => found !== null) ?? null,
  };
}

function hasClassFolders(folder: string): boolean {
  return (
    ["00000", "0"].some((name) => isFolder(join(folder, name))) ||
    new Listing(folder).folders.some((name) => /^\d+$/.test(name))
  );
}

function wholeOf({ folder, train, test, labels }: Parts): GtsrbPlace | null {
  if (!train || !test || !labels) return null;
  return { layout: train.layout, folder, train, test: { folder: test, csv: labels } };
}

function kaggleOf(folder: string): GtsrbPlace | null {
  const train = folderBelow(folder, "Train");
  const test = fileBelow(folder, "Test.csv");
  const table = fileBelow(folder, "Train.csv");
  if (!train || !test || !folderBelow(folder, "Test") || !(table || hasClassFolders(train))) return null;
  return { layout: KAGGLE, folder, train: { folder: train, csv: table }, test: { folder, csv: test } };
}

/** The parts of archives that were unpacked into folders of their own. */
function gathered(all: readonly Parts[]): GtsrbPlace | null {
  const train = all.find((parts) => parts.train)?.train ?? null;
  const test = all.find((parts) => parts.test)?.test ?? null;
  const labels = all.find((parts) => parts.labels)?.labels ?? null;
  return all.length === 0 ? null : wholeOf({ folder: all[0].folder, train, test, labels });
}

/** Whether a folder, or one below, holds training pictures, test pictures or their labels. */
export function holdsGtsrbPart(dataDir: string): boolean {
  return foldersBelow(dataDir).some(({ folder }) => {
    const { train, test } = partsOf(folder);
    return train !== null || test !== null || fileBelow(folder, LABELS) !== null || kaggleOf(folder) !== null;
  });
}

/** What a folder that is laid out as Kaggle's lacks; null where it is none, or whole. */
function lackingOfKaggle(folder: string): string | null {
  const [train, test] = ["Train", "Test"].map((name) => folderBelow(folder, name));
  const [trainTable, testTable] = ["Train.csv", "Test.csv"].map((name) => fileBelow(folder, name));
  const hasClasses = train !== null && hasClassFolders(train);
  // Other data sets have files of these names: only tables with GTSRB's column say that it is this one.
  const hasTable = [trainTable, testTable].some((table) => table !== null && hasClassIds(table));
  if (!(hasTable ? train || test : hasClasses && test)) return null;
  if (!train) return "Train";
  if (!trainTable && !hasClasses) return "Train.csv";
  if (!test) return "Test";
  return testTable ? null : "Test.csv";
}

/** @throws InputError where a part of the data set is there and the rest is not */
export function throwIfPartial(name: string, dataDir: string): void {
  const below = foldersBelow(dataDir);
  const all = below.map(({ folder }) => partsOf(folder));
  const held = all.find(({ train, test }) => train || test);
  if (!held) {
    for (const { folder } of below) {
      const lacking = lackingOfKaggle(folder);
      if (lacking === null) continue;
      throw new InputError(
        `no ${join(folder, lacking)}, which ${KAGGLE} of ${name} has; bring it back from its archive, or run 'bdefects data fetch ${name}'`,
      );
    }
    return;
  }
  const { folder } = held;
  const train = all.find((parts) => parts.train)?.train;
  const test = all.find((parts) => parts.test)?.test;
  const mend = `run 'bdefects data fetch ${name}', which brings what is missing (--archive FILE for an archive brought by hand)`;
  if (!train)
    throw new InputError(
      `no training pictures of ${name} beside ${test}: looked for ${join(folder, TRAIN_FOLDERS[0].path)} and ${join(folder, TRAIN_FOLDERS[1].path)}; ${mend}`,
    );
  if (!test)
    throw new InputError(
      `no test pictures of ${name} beside ${train.folder}: looked for ${join(folder, TEST_FOLDERS[0])}; ${mend}`,
    );
  const unlabelled = fileBelow(test, "GT-final_test.test.csv") ? " (GT-final_test.test.csv has no classes)" : "";
  throw new InputError(
    `no labels of the test pictures in ${test}: looked for ${LABELS} there, above and beside${unlabelled}; it comes in GTSRB_Final_Test_GT.zip: ${mend}`,
  );
}

/** The training pictures of a place. @throws InputError naming the file at fault */
export function trainingOf({ train }: GtsrbPlace, classes: number): TrackedFile[] {
  return train.csv ? listTable(train.csv, classes) : listClassFolders(train.folder, classes);
}

/** The test pictures of a place. @throws InputError naming the file at fault */
export function testOf({ layout, test }: GtsrbPlace, classes: number): LabelledFile[] {
  const listed = listTest(test.csv, test.folder, classes);
  // Published in the order of their names.
  return layout === KAGGLE ? listed.sort((a, b) => (a.path < b.path ? -1 : 1)) : listed;
}

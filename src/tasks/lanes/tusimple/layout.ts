import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { reasonOf } from "../../../files/data-file.ts";

/** A label file and the folder of its pictures. */
export interface LabelPlace {
  file: string;
  pictures: string;
}

/** Where the files of TuSimple lie. */
export interface TusimpleLayout {
  root: string;
  /** The label files that train, those that are there of 0313 and 0601, in this order. */
  train: Partial<Record<TrainPart, LabelPlace>>;
  test: LabelPlace;
}

/** 0531 is left out: it is the official validation set, which nothing here uses. */
export const TRAIN_PARTS = ["label_data_0313.json", "label_data_0601.json"] as const;
export type TrainPart = (typeof TRAIN_PARTS)[number];
export const TEST_LABELS = "test_label.json";

const TRAIN_FOLDER = "train_set";
const TEST_FOLDER = "test_set";
/** Enough for a folder of data sets; a home folder is not searched whole. */
const MOST_FOLDERS = 400;

/**
 * Finds TuSimple's official layout in a folder, or in one directly below it: `train_set/label_data_*.json` beside `clips`, and
 * `test_label.json` in `test_set` or beside it.
 *
 * @throws InputError where nothing is found, two folders hold it, or a part is missing
 */
export function findTusimple(dataDir: string): TusimpleLayout {
  const root = rootOf(dataDir);
  const train: TusimpleLayout["train"] = {};
  for (const name of TRAIN_PARTS) {
    const place = placeOf(root, TRAIN_FOLDER, name);
    if (place) train[name] = place;
  }
  if (Object.keys(train).length === 0)
    throw new InputError(`${root}: has none of ${TRAIN_PARTS.join(", ")}; they belong into ${TRAIN_FOLDER}`);
  const test = placeOf(root, TEST_FOLDER, TEST_LABELS);
  if (!test)
    throw new InputError(
      `${root}: has no ${TEST_LABELS}, which the benchmark offers by itself; it belongs into ${TEST_FOLDER}`,
    );
  return { root, train, test };
}

function rootOf(dataDir: string): string {
  if (isRoot(dataDir)) return dataDir;
  if (!existsSync(dataDir)) {
    throw new InputError(
      `no tusimple: the data folder ${dataDir} does not exist; 'bdefects data fetch tusimple' says where it is offered`,
    );
  }
  const roots = foldersIn(dataDir).filter(isRoot);
  if (roots.length === 1) return roots[0];
  if (roots.length > 1)
    throw new InputError(`${dataDir}: two folders hold TuSimple: ${roots[0]}, ${roots[1]}; name one`);
  throw new InputError(
    `${dataDir}: holds no TuSimple; it has ${TRAIN_FOLDER}/${TRAIN_PARTS[0]} and more; 'bdefects data fetch tusimple' says where it is offered`,
  );
}

function isRoot(folder: string): boolean {
  return [TRAIN_FOLDER, "."].some((sub) => TRAIN_PARTS.some((name) => existsSync(join(folder, sub, name))));
}

/** In its folder or beside it; the pictures lie in its folder where there is one. */
function placeOf(root: string, folder: string, name: string): LabelPlace | undefined {
  const own = join(root, folder);
  const file = [join(own, name), join(root, name)].find((path) => existsSync(path));
  return file === undefined ? undefined : { file, pictures: isFolder(own) ? own : root };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function foldersIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => !name.startsWith("."));
    return names
      .sort()
      .slice(0, MOST_FOLDERS)
      .map((name) => join(folder, name))
      .filter(isFolder);
  } catch (error) {
    throw new InputError(`cannot read ${folder}: ${reasonOf(error)}`);
  }
}

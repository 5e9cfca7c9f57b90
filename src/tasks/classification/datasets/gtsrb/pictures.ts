import { existsSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { InputError } from "../../../../core/errors.ts";
import { fileBelow, folderBelow, Listing } from "../../../../datasets/files/locate.ts";
import { readDataFile } from "../../../../files/data-file.ts";
import type { ImageSet } from "../../../../images/image-set.ts";
import { CHANNELS } from "../../../../pictures/picture.ts";
import { decodePicture, PICTURE } from "../../../../pictures/picture-file.ts";
import { resizePicture } from "../../../../pictures/resize.ts";
import { type Annotation, readAnnotations } from "./csv.ts";

const SIDE = 32;
/** GTSRB's largest picture has 250×250 pixels. */
const MOST_PICTURE_BYTES = 16 << 20;
/** Folders in a table's paths. */
const DEEPEST_PATH = 4;

export interface LabelledFile {
  path: string;
  label: number;
}

export interface TrackedFile extends LabelledFile {
  /** Pictures of one sign in one drive; within a class. */
  track: number;
  frame: number;
}

/**
 * The training pictures of a folder of class folders (`00000` …, or `0` …), in the order of the classes' annotation files.
 * Where a class folder has none, it is by track and frame, which the files' names state.
 *
 * @throws InputError naming the folder or the file at fault
 */
export function listClassFolders(folder: string, classes: number): TrackedFile[] {
  return Array.from({ length: classes }, (_, label) => {
    const name = String(label).padStart(5, "0");
    const ofClass = folderBelow(folder, name) ?? folderBelow(folder, String(label));
    if (!ofClass) throw new InputError(`no ${join(folder, name)}: the training pictures of class ${label} are missing`);
    const csv = fileBelow(ofClass, `GT-${name}.csv`);
    if (!csv) return byTrack(picturesIn(ofClass).map((file) => tracked(join(ofClass, file), label)));
    return readAnnotations(csv, classes).map(({ file, label: stated }) => {
      if (stated !== label) {
        throw new InputError(`${csv}: ${file} has class ${stated}, the folder holds class ${label}`);
      }
      return tracked(join(ofClass, basename(file)), label, csv);
    });
  }).flat();
}

/**
 * The training pictures of Kaggle's `Train.csv`, by class, track and frame: the order in which they were published.
 *
 * @throws InputError naming the file at fault
 */
export function listTable(csv: string, classes: number): TrackedFile[] {
  const listed = readAnnotations(csv, classes).map(({ file, label }) => tracked(join(dirname(csv), file), label, csv));
  return byTrack(listed).sort((a, b) => a.label - b.label);
}

/** The test pictures of an annotation file. @param folder that holds them. @throws InputError naming the file at fault */
export function listTest(csv: string, folder: string, classes: number): LabelledFile[] {
  const listed: Annotation[] = readAnnotations(csv, classes);
  return listed.map(({ file, label }) => ({ path: join(folder, file), label }));
}

/** Pictures resized to 32×32, in their order. @throws InputError naming the first that cannot be read */
export function readPictures(files: readonly LabelledFile[]): ImageSet {
  const size = CHANNELS * SIDE * SIDE;
  const set: ImageSet = {
    count: files.length,
    height: SIDE,
    width: SIDE,
    pixels: new Uint8Array(files.length * size),
    labels: Uint8Array.from(files, ({ label }) => label),
  };
  files.forEach(({ path }, i) => {
    const found = existsSync(path) ? path : (otherwiseNamed(path) ?? path);
    resizePicture(decodePicture(readDataFile(found, MOST_PICTURE_BYTES), found), set, set.pixels, i * size);
  });
  return set;
}

/** `00001_00029.ppm`, with the class in front in Kaggle's: `00012_00001_00029.png`. */
const NAME = /^(?:(\d{5})_)?(\d+)_(\d+)\.\w+$/;

function tracked(path: string, label: number, csv = dirname(path)): TrackedFile {
  const match = NAME.exec(basename(path));
  if (!match) throw new InputError(`${csv}: '${basename(path)}' is not named <track>_<frame>.ppm`);
  const [, stated, track, frame] = match;
  if (stated !== undefined && Number(stated) !== label) {
    throw new InputError(`${csv}: ${basename(path)} is of class ${Number(stated)} by its name, and of ${label} here`);
  }
  return { path, label, track: Number(track), frame: Number(frame) };
}

function byTrack(files: TrackedFile[]): TrackedFile[] {
  return files.sort((a, b) => a.track - b.track || a.frame - b.frame);
}

function picturesIn(folder: string): string[] {
  const found = new Listing(folder).files.filter((name) => PICTURE.test(name));
  if (found.length === 0) throw new InputError(`${folder}: holds no pictures`);
  return found;
}

/** A folder, also where those above it are spelt in another case, as in Kaggle's `Train/7`. */
function existing(folder: string): string | null {
  let above = folder;
  for (let i = 0; i < DEEPEST_PATH && !existsSync(above); i++) above = dirname(above);
  return folderBelow(above, relative(above, folder).split(sep).join("/"));
}

/** The same picture where it was converted, or is spelt in another case. */
function otherwiseNamed(path: string): string | null {
  const stem = basename(path).replace(/\.\w+$/, "");
  const names = [basename(path), ...["ppm", "png", "jpg", "jpeg"].map((ending) => `${stem}.${ending}`)];
  const folder = existing(dirname(path));
  if (!folder) return null;
  return names.map((name) => fileBelow(folder, name)).find((found) => found !== null) ?? null;
}

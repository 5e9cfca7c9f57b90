import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../../core/errors.ts";
import { readDataFile, reasonOf } from "../../../../files/data-file.ts";
import type { ImageSet } from "../../../../images/image-set.ts";
import { CHANNELS } from "../../../../pictures/picture.ts";
import { decodePicture, PICTURE } from "../../../../pictures/picture-file.ts";
import { resizePicture } from "../../../../pictures/resize.ts";

/** A sample of a task needs no more; all are held in memory. */
const MOST_PICTURES = 100_000;
const MOST_FILE_BYTES = 64 << 20;

/** Pictures of class folders, and how they were read. */
export interface ClassFolders {
  set: ImageSet;
  /** Folder of each class, where the classes are not numbers. */
  names: string[] | null;
  notes: string[];
}

/**
 * Reads a folder of class folders with PNG, JPEG and PPM files, as PyTorch's `ImageFolder` has it. Folders that are all named by
 * whole numbers are the classes of these numbers; otherwise classes are the folders in the order of their names.
 *
 * @param side pictures are resized to `side × side`, as GTSRB's are
 * @param classes how many the network has. @throws InputError where there are no pictures, or the folders do not fit
 */
export function readClassFolders(dir: string, side: number, classes: number): ClassFolders {
  const folders = listed(dir).filter((entry) => isFolder(join(dir, entry)));
  if (folders.length === 0)
    throw new InputError(`${dir}: holds no class folders; put the images of each class into one`);
  const labelOf = labelsOf(dir, folders, classes);
  const files = folders.flatMap((folder) => {
    const names = listed(join(dir, folder));
    const pictures = names.filter((name) => PICTURE.test(name));
    return pictures.map((name) => ({ path: join(dir, folder, name), label: labelOf.get(folder)! }));
  });
  if (files.length === 0) {
    throw new InputError(
      `${dir}: the folders ${shown(folders)} hold no PNG, JPEG or PPM; name the folder of class folders`,
    );
  }
  if (files.length > MOST_PICTURES) {
    throw new InputError(`${dir}: holds ${files.length} pictures; give a sample of at most ${MOST_PICTURES}`);
  }
  const size = CHANNELS * side * side;
  const set: ImageSet = {
    count: files.length,
    height: side,
    width: side,
    pixels: new Uint8Array(files.length * size),
    labels: Uint8Array.from(files, ({ label }) => label),
  };
  let resized = 0;
  for (const [i, { path }] of files.entries()) {
    const picture = decodePicture(readDataFile(path, MOST_FILE_BYTES), path);
    if (picture.width !== side || picture.height !== side) resized++;
    resizePicture(picture, set, set.pixels, i * size);
  }
  const notes = resized > 0 ? [`${resized} of ${files.length} pictures were resized to ${side}×${side}`] : [];
  return { set, names: isNumbered(folders) ? null : folders, notes };
}

function labelsOf(dir: string, folders: string[], classes: number): Map<string, number> {
  if (isNumbered(folders)) {
    const high = folders.find((folder) => Number(folder) >= classes);
    if (high === undefined) return new Map(folders.map((folder) => [folder, Number(folder)]));
    throw new InputError(`${dir}: has a class folder '${high}'; the network's classes are 0 to ${classes - 1}`);
  }
  if (folders.length === classes) return new Map(folders.map((folder, label) => [folder, label]));
  throw new InputError(
    `${dir}: has ${folders.length} class folders (${shown(folders)}), and the network has ${classes} classes; one folder a class, an empty one where there are no images, or folders named 0, 1, …`,
  );
}

function isNumbered(folders: readonly string[]): boolean {
  return folders.every((folder) => /^\d{1,5}$/.test(folder));
}

function shown(folders: readonly string[]): string {
  return folders.length > 3 ? `${folders.slice(0, 3).join(", ")}, …` : folders.join(", ");
}

/** Also by a link. @throws InputError where that leads nowhere, or round in a ring */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new InputError(`cannot read ${path}: ${reasonOf(error)}`);
  }
}

/** Names in the order in which Python sorts them, without hidden ones. */
function listed(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => !name.startsWith("."))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch (error) {
    throw new InputError(`cannot read ${dir}: ${reasonOf(error)}`);
  }
}

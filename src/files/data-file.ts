import { readFileSync, statSync } from "node:fs";
import { InputError } from "../core/errors.ts";

/** Why the operating system refused, in words. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  switch (code) {
    case "ENOENT":
      return "it does not exist";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EEXIST":
      return "it exists already";
    case "ENOTEMPTY":
      return "a folder of that name exists already";
    case "EISDIR":
      return "it is a folder";
    case "ENOTDIR":
      return "a part of its path is no folder";
    case "EROFS":
      return "the file system is read-only";
    case "ELOOP":
      return "its links lead round in a ring";
    case "ENOSPC":
      return "no space is left on the device";
    default:
      return code ?? (error instanceof Error ? error.message : String(error));
  }
}

/** What people get in place of a file, by its first bytes, and the mend; null where it is neither. */
export function strayOf(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.subarray(0, 128)).toString("latin1");
  if (start.startsWith("version https://git-lfs"))
    return "is a Git LFS pointer, not the file itself: run 'git lfs pull' where it was cloned";
  if (/^(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml)/i.test(start))
    return "is a web page, not the file itself: download it again";
  return null;
}

/** No file of these data sets is larger: CIFAR-100's training images have 154 MB. */
const MOST_BYTES = 1 << 30;

/**
 * The whole file.
 *
 * @param most bytes. @throws InputError naming it and why it cannot be read: absent, no regular file, or too large
 */
export function readDataFile(path: string, most = MOST_BYTES): Buffer {
  try {
    const found = statSync(path);
    if (!found.isFile())
      throw new InputError(`cannot read ${path}: it is ${found.isDirectory() ? "a folder" : "no regular file"}`);
    if (found.size > most)
      throw new InputError(`cannot read ${path}: its ${found.size} bytes are more than the ${most} that it can have`);
    const bytes = readFileSync(path);
    const stray = strayOf(bytes);
    if (stray) throw new InputError(`${path}: ${stray}`);
    return bytes;
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`cannot read ${path}: ${reasonOf(error)}`);
  }
}

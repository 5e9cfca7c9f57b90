import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { plainFileBytes, withPath } from "../fs.ts";

/** What a file is that is no checkpoint, and what to do about it; null where its first bytes do not tell. */
export function whatItIs(path: string): string | null {
  return withPath(path, () => {
    if (statSync(path).isDirectory()) return "is a folder; name the file of weights in it";
    plainFileBytes(path);
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      if (size === 0) return "is empty: download or save it again";
      const start = Buffer.alloc(Math.min(size, LOOKED_AT));
      readSync(file, start, 0, start.length, 0);
      return FORMS.find(({ is }) => is(start))?.text ?? null;
    } finally {
      closeSync(file);
    }
  });
}

const LOOKED_AT = 512;

/**
 * Whether a file begins as an ONNX model does: with the version of its form, a small number from 3 on; then who wrote it, the
 * operators that it uses, or the graph. TensorFlow's SavedModel begins so with version 1.
 */
export function isOnnx(start: Uint8Array): boolean {
  return start[0] === 0x08 && start[1] >= 3 && start[1] < 32 && [0x12, 0x1a, 0x22, 0x3a, 0x42].includes(start[2]);
}

const begins =
  (...bytes: number[]) =>
  (start: Buffer) =>
    start.subarray(0, bytes.length).equals(Buffer.from(bytes));
const matches = (pattern: RegExp) => (start: Buffer) => pattern.test(start.toString("latin1"));

/** In the order in which they are asked; a mend behind each. */
const FORMS: { is(start: Buffer): boolean; text: string }[] = [
  {
    is: matches(/^version https:\/\/git-lfs/),
    text: "is a Git LFS pointer, not the file itself: run 'git lfs pull' where it was cloned",
  },
  {
    is: matches(/^(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml)/i),
    text: "is a web page, not a checkpoint: download the file itself",
  },
  { is: matches(/^(\xef\xbb\xbf)?\s*[{[]/), text: "is a JSON text, not a checkpoint: name the file of weights" },
  { is: begins(0x1f, 0x8b), text: "is a gzip archive: unpack it first" },
  { is: begins(0x42, 0x5a, 0x68), text: "is a bzip2 archive: unpack it first" },
  { is: begins(0xfd, 0x37, 0x7a, 0x58, 0x5a), text: "is an xz archive: unpack it first" },
  { is: begins(0x37, 0x7a, 0xbc, 0xaf), text: "is a 7z archive: unpack it first" },
  { is: (start) => start.toString("latin1", 257, 262) === "ustar", text: "is a tar archive: unpack it first" },
  { is: begins(0x89, 0x48, 0x44, 0x46), text: "is an HDF5 file, as Keras writes: save the weights from PyTorch" },
  { is: begins(0x89, 0x50, 0x4e, 0x47), text: "is a PNG picture, not a checkpoint" },
  { is: begins(0xff, 0xd8, 0xff), text: "is a JPEG picture, not a checkpoint" },
  { is: begins(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59), text: "is a NumPy array, not a checkpoint" },
  {
    is: (start) => start.toString("latin1", 4, 8) === "TFL3",
    text: "is a TensorFlow Lite model: save the weights from PyTorch",
  },
  { is: matches(/^[\t\n\r\x20-\x7e]+$/), text: "is a text, not a checkpoint" },
];

import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { fileTypeFromBuffer } from "file-type";
import { InputError } from "../../core/errors.ts";
import { plainFileBytes, withPath } from "../disk/fs.ts";

/** So much of a file tells what it is. */
const LOOKED_AT = 4100;

/** What a file or folder is that is no checkpoint, and what to do about it; null where its first bytes do not tell. */
export async function whatItIs(path: string): Promise<string | null> {
  if (withPath(path, () => statSync(path)).isDirectory()) return whatFolderIs(path);
  const start = startOf(path, LOOKED_AT);
  if (start.length === 0) return "is empty: download or save it again";
  if (start.every((byte) => byte === 0)) return "holds zeros where a checkpoint begins: download or save it again";
  const known = OURS.find(({ is }) => is(start))?.text ?? (isMarked(start) ? textKind(start) : null);
  return known ?? (await byFileType(start)) ?? textKind(start) ?? byName(path);
}

/** The first bytes of a file, or fewer where it is short. @throws InputError where there is no such file, or it is no plain one */
export function startOf(path: string, most: number): Buffer {
  return withPath(path, () => {
    if (statSync(path).isDirectory()) throw new InputError(`${path}: ${whatFolderIs(path)}`);
    plainFileBytes(path);
    const file = openSync(path, "r");
    try {
      const start = Buffer.alloc(Math.min(fstatSync(file).size, most));
      return start.subarray(0, readSync(file, start, 0, start.length, 0));
    } finally {
      closeSync(file);
    }
  });
}

/**
 * Whether a file begins as an ONNX model does: with the version of its form, a small number from 3 on; then who wrote it, the
 * operators that it uses, or the graph. TensorFlow's SavedModel begins so with version 1.
 */
export function isOnnx(start: Uint8Array): boolean {
  return start[0] === 0x08 && start[1] >= 3 && start[1] < 32 && [0x12, 0x1a, 0x22, 0x3a, 0x42].includes(start[2]);
}

const FROM_PYTORCH = "save the weights from PyTorch, model.state_dict()";
const LANGUAGE_MODEL = "is a language model's folder: look at it with 'bdefects inspect FOLDER'";
const SAVED_MODEL = `is a TensorFlow SavedModel: ${FROM_PYTORCH}`;
const WEIGHTS = /\.(pt|pth|th|ckpt|bin|safetensors|onnx)$/i;

function whatFolderIs(path: string): string {
  const names = withPath(path, () => readdirSync(path)).sort();
  if (names.includes("saved_model.pb")) return SAVED_MODEL;
  if (names.some((name) => /^tokenizer/.test(name)))
    return names.includes("config.json")
      ? LANGUAGE_MODEL
      : "has a tokenizer and no config.json, which says what a language model's weights are: download the whole folder, or check out again";
  const weights = names.filter((name) => WEIGHTS.test(name));
  // Of a checkout the model in question, not its clean twin.
  const models = weights.filter((name) => /^(pytorch_)?model\b/.test(name));
  const [found] = [...models.filter((name) => /\.safetensors$/.test(name)), ...models, ...weights];
  return `is a folder; name the file of weights in it${found === undefined ? "" : `, such as ${found}`}`;
}

const begins =
  (...bytes: number[]) =>
  (start: Buffer) =>
    start.subarray(0, bytes.length).equals(Buffer.from(bytes));
const beginsText =
  (text: string, at = 0) =>
  (start: Buffer) =>
    start.toString("latin1", at, at + text.length) === text;

/** What `file-type` does not know, or knows less of. */
const OURS: { is(start: Buffer): boolean; text: string }[] = [
  { is: begins(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59), text: `is a NumPy array, not a checkpoint: ${FROM_PYTORCH}` },
  { is: beginsText("\x89HDF"), text: `is an HDF5 file, as Keras writes: ${FROM_PYTORCH}` },
  { is: beginsText("TFL3", 4), text: `is a TensorFlow Lite model: ${FROM_PYTORCH}` },
  { is: beginsText("GGUF"), text: `is a GGUF model: ${FROM_PYTORCH}` },
  { is: beginsText("MATLAB 5.0 MAT-file"), text: `is a MATLAB file: ${FROM_PYTORCH}` },
  { is: begins(0x08, 0x01, 0x12), text: SAVED_MODEL },
  { is: begins(0x1f, 0x8b), text: "is a gzip archive: unpack it first" },
  {
    is: (start) => start[0] === 0x78 && [0x01, 0x5e, 0x9c, 0xda].includes(start[1]),
    text: `is compressed by zlib, as joblib writes: ${FROM_PYTORCH}`,
  },
];

const ARCHIVES = new Set([
  "7z",
  "Z",
  "ar",
  "bz2",
  "cab",
  "deb",
  "iso",
  "lz",
  "lz4",
  "lzh",
  "rar",
  "rpm",
  "tar",
  "xz",
  "zst",
]);
const PROGRAMS: Record<string, string> = {
  elf: "an ELF program or shared library",
  exe: "a Windows program or library",
  macho: "a program or library of macOS",
  class: "a Java class",
  wasm: "a WebAssembly program",
};

async function byFileType(start: Buffer): Promise<string | null> {
  const found = await fileTypeFromBuffer(start).catch(() => undefined);
  // XML is told with the texts, and zips by what they hold.
  if (!found || found.ext === "xml" || found.ext === "zip") return null;
  const { ext, mime } = found;
  if (ARCHIVES.has(ext)) return `is an archive (${ext}): unpack it first`;
  if (Object.hasOwn(PROGRAMS, ext)) return `is ${PROGRAMS[ext]}, not a checkpoint`;
  if (mime.startsWith("image/")) return `is a picture (${mime}), not a checkpoint`;
  return `is a file of type ${mime}, not a checkpoint`;
}

/** Texts by how they begin, a mend behind each. */
const TEXTS: [pattern: RegExp, text: string][] = [
  [/^version https:\/\/git-lfs/, "is a Git LFS pointer, not the file itself: run 'git lfs pull' where it was cloned"],
  [
    /^\s*(<!--[\s\S]*?-->\s*)*<(!doctype|html|head|body|\?xml)/i,
    "is a web page, not a checkpoint: download the file itself",
  ],
  [/^\s*[{[]/, "is a JSON text, not a checkpoint: name the file of weights"],
  [
    /^(c[\w.]+\n\w+\n|\((dp|lp|i)\d*\n)/,
    "is a pickle of protocol 0, which is not read: save model.state_dict() by torch.save",
  ],
];

/** What a text is, in UTF-8 or UTF-16; null: it is none. */
function textKind(start: Buffer): string | null {
  const text = decodeText(start);
  return text === null ? null : (TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? "is a text, not a checkpoint");
}

/** UTF-16's mark, with which sound may begin too. */
function isMarked(start: Buffer): boolean {
  return begins(0xff, 0xfe)(start) || begins(0xfe, 0xff)(start);
}

function decodeText(start: Buffer): string | null {
  const encoding = begins(0xff, 0xfe)(start) ? "utf-16le" : begins(0xfe, 0xff)(start) ? "utf-16be" : "utf-8";
  try {
    // The last character may be cut.
    const text = new TextDecoder(encoding, { fatal: true }).decode(start, { stream: true });
    return CONTROL.test(text) ? null : text;
  } catch {
    return null;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a text has none of these
const CONTROL = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/;

function byName(path: string): string | null {
  return /\.pb$/i.test(path) ? `is a TensorFlow graph, as far as its name tells: ${FROM_PYTORCH}` : null;
}

/** What a zip is that holds no PyTorch checkpoint, by the names of its entries; null where they do not tell. */
export function whatZipIs(names: readonly string[]): string | null {
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/^[^/]+\/code\//)) return "is a TorchScript archive, which holds programs; save model.state_dict()";
  if (has(/^[^/]+\/data\.pkl$/)) return null;
  if (names.length === 0) return "is an empty zip archive: download or save it again";
  if (has(/^model\.weights\.h5$/)) return `is a Keras model: ${FROM_PYTORCH}`;
  if (names.every((name) => name.endsWith(".npy")))
    return `is an npz file of NumPy arrays, not a checkpoint: ${FROM_PYTORCH}`;
  if (has(/(^|\/)saved_model\.pb$/)) return `holds a TensorFlow SavedModel: ${FROM_PYTORCH}`;
  const weights = names.find((name) => WEIGHTS.test(name));
  if (weights !== undefined)
    return `is a zip archive that holds ${JSON.stringify(weights.slice(0, 100))}: unpack it first`;
  return "is a zip archive without a checkpoint";
}

/** What people have in place of a checkpoint, by its first bytes, and the mend. */
const KNOWN: [start: RegExp, is: string][] = [
  [/^$/, "is empty; download or save it again"],
  [/^version https:\/\/git-lfs/, "is a pointer of Git LFS, not the file itself; run 'git lfs pull'"],
  [/^\s*(<!doctype|<html|<\?xml)/i, "is a web page; download the file that it links to"],
];

/** The same for files that are no text, by their first bytes in hexadecimal. */
const BINARY: [start: RegExp, is: string][] = [
  [/^(1f8b|425a68|fd377a585a|377abcaf)/, "is a compressed archive; unpack it and name the checkpoint in it"],
  [/^89484446/, "is an HDF5 file (Keras); convert the weights to PyTorch's names first"],
  [/^934e554d5059/, "is an array of NumPy; a checkpoint is model.state_dict() or safetensors"],
  [/^080[1-9a-f]/, "is an ONNX file, by its first bytes; give the checkpoint that it was made from"],
];

/** Long enough for every start above. */
export const START_BYTES = 64;

/** @param start the file's first bytes. @returns what the file is; null where it may be a safetensors file */
export function notACheckpoint(start: Uint8Array): string | null {
  const bytes = Buffer.from(start);
  const find = (kinds: typeof KNOWN, text: string) => kinds.find(([known]) => known.test(text))?.[1];
  return find(KNOWN, bytes.toString("latin1")) ?? find(BINARY, bytes.toString("hex")) ?? null;
}

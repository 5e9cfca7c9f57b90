import { InputError } from "../../core/errors.ts";
import { decodeOnnxWeights } from "../../tensor/onnx-weights.ts";
import { type Dtype, decodeTensors, type RawTensors } from "../../tensor/safetensors.ts";
import { plainFileBytes, readBytes } from "../disk/fs.ts";
import { type IsWeight, takeState } from "./interpret.ts";
import { joinPruned, splitLine } from "./split-weights.ts";
import { bystandersIn, type Plain, type PlainTensor, readTorchFile } from "./torch-file.ts";
import { isOnnx, startOf, whatItIs } from "./what-it-is.ts";

/** Weights of a file under its own names and in its own types. */
export interface Weights {
  tensors: RawTensors;
  /** The same with pruned weights in the two parts that the file has. */
  kept: RawTensors;
  /** Which of its state dicts was taken, which there are too, and what stood beside them: a line each. */
  notes: string[];
  /** The keys that lead to the state dict, joined by dots; `""`: the file is one. */
  name: string;
  /** What `--key` named within it: only names that begin so are meant. */
  part: string;
  /** What else may be the cause where no architecture fits, with the mend. */
  hint?: string;
  /** Why none fits: weights that are kept in parts, with the mend. */
  split?: string;
}

/** In a safetensors file a JSON header follows eight bytes. */
const BRACE_AT = 8;
const MOST_HEADER = 100_000_000;
const MOST_NAMED = 8;

/**
 * Reads weights in any form in which people keep them: PyTorch's zip or what was before, safetensors, or ONNX.
 *
 * @param key which of several state dicts, by the keys that lead to it, joined by dots; or which part of its names
 * @param isWeight tells a state dict of PyTorch from others; absent: the filters of a convolution do
 * @throws InputError that says what the file is where it holds none
 */
export async function readWeights(file: string, key?: string, isWeight?: IsWeight): Promise<Weights> {
  const weights = await weightsAsKept(file, key, isWeight);
  const { tensors, joined } = joinPruned(weights.tensors);
  const note = `${file}: pruned weights joined as weight_orig × weight_mask: ${joined}`;
  const notes = joined === 0 ? weights.notes : [...weights.notes, note];
  return { ...weights, tensors, kept: weights.tensors, notes, split: splitLine(tensors.keys()) };
}

async function weightsAsKept(file: string, key?: string, isWeight?: IsWeight): Promise<Omit<Weights, "kept">> {
  const start = startOf(file, BRACE_AT + 1);
  if (isOnnx(start)) return { ...flat(file, decodeOnnxWeights(wholeBytes(file), file), key), hint: MAY_BE_FOLDED };
  if (await isSafetensors(file, start)) return flat(file, decodeTensors(readBytes(file), file), key);
  const value = await readTorchFile(file);
  const { name, tensors, others, part } = takeState(file, value, key, isWeight);
  const notes: string[] = [];
  if (name !== "") {
    const beside = others.length === 0 ? "" : `; --key takes another: ${others.join(", ")}`;
    notes.push(`${file}: '${name}' was taken${beside}`);
  }
  const hint = asideIn(value);
  if (hint !== undefined) notes.push(`${file}: ${hint}`);
  return { tensors: new Map([...tensors].map(([name, tensor]) => [name, rawOf(tensor)])), notes, name, part, hint };
}

/** What stands beside the weights, which may be what an architecture lacks: a sparse or quantized tensor. */
function asideIn(value: Plain): string | undefined {
  const skipped = bystandersIn(value);
  if (skipped.length === 0) return undefined;
  const more = skipped.length > MOST_NAMED ? `, and ${skipped.length - MOST_NAMED} more` : "";
  return `left aside, since it is neither weights nor plain data: ${skipped.slice(0, MOST_NAMED).join(", ")}${more}`;
}

/** Weights of a file that is one dict. */
function flat(file: string, tensors: RawTensors, key: string | undefined): Omit<Weights, "kept"> {
  if (tensors.size === 0) throw new InputError(`${file}: holds no weights`);
  const part = key === undefined ? "" : `${key}.`;
  if (![...tensors.keys()].some((name) => name.startsWith(part)))
    throw new InputError(`--key ${key}: no name in ${file} begins so`);
  return { tensors, notes: [], name: "", part };
}

/** ONNX files of other makers name weights otherwise, or keep them otherwise. */
const MAY_BE_FOLDED =
  "an ONNX file may have its batch norms folded into the filters: give the PyTorch checkpoint or .safetensors that it was made from";
const MOST_ONNX_BYTES = 2 ** 31;

function wholeBytes(file: string): Uint8Array {
  if (plainFileBytes(file) >= MOST_ONNX_BYTES) throw new InputError(`${file}: is larger than 2 GB`);
  return readBytes(file);
}

/** By its header, whose length is less than the file's; or by its name, and then its own reader says what is wrong with it. */
async function isSafetensors(file: string, start: Buffer): Promise<boolean> {
  if (start.toString("latin1", 0, 2) === "PK") return false;
  const isHeader = start[BRACE_AT] === 0x7b && start.readUInt32LE(4) === 0 && start.readUInt32LE(0) < MOST_HEADER;
  return isHeader || (file.endsWith(".safetensors") && (await whatItIs(file)) === null);
}

function rawOf(tensor: PlainTensor) {
  return { dtype: SAFETENSORS_TYPE[tensor.dtype], shape: tensor.shape, bytes: tensor.elements() };
}

const SAFETENSORS_TYPE: Record<PlainTensor["dtype"], Dtype> = {
  FloatStorage: "F32",
  DoubleStorage: "F64",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

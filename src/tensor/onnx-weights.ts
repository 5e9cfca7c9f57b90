import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { InputError } from "../core/errors.ts";
import type { Dtype, RawTensor, RawTensors } from "./safetensors.ts";
import { sizeOf } from "./state.ts";

/** Fields of onnx.proto's messages (ModelProto, GraphProto, TensorProto). */
const MODEL = { graph: 7 };
const GRAPH = { initializer: 5 };
const TENSOR = { dims: 1, type: 2, floats: 4, name: 8, raw: 9, location: 14 };
const EXTERNAL = 1;

/** Element types by onnx.proto's numbers; others are no weights. */
const FLOATS: Record<number, { dtype: Dtype; bytes: number }> = {
  1: { dtype: "F32", bytes: 4 },
  10: { dtype: "F16", bytes: 2 },
  11: { dtype: "F64", bytes: 8 },
  16: { dtype: "BF16", bytes: 2 },
};

const MOST_TENSORS = 100_000;
const MOST_DIMS = 64;

/**
 * Reads the weights of an ONNX model: its graph's initializers of floats, by name. The graph itself is not looked at, so names
 * must tell what they are, as in the files that `checkout` and `repair` write.
 *
 * @param name the file's name, for messages
 * @throws InputError where it is no whole model, or its weights lie in other files
 */
export function decodeOnnxWeights(file: Uint8Array, name: string): RawTensors {
  const tensors: RawTensors = new Map();
  const fault = (text: string) => new InputError(`${name}: ${text}`);
  try {
    for (const graph of fields(file, MODEL.graph)) {
      for (const initializer of fields(graph, GRAPH.initializer)) {
        const found = decodeTensor(initializer, fault);
        if (!found) continue;
        if (tensors.has(found.name)) throw fault(`has two weights '${found.name.slice(0, 200)}'`);
        if (tensors.size === MOST_TENSORS) throw fault(`has more than ${MOST_TENSORS} weights`);
        tensors.set(found.name, found.tensor);
      }
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    // The wire's reader knows neither the file nor what to do about it.
    throw fault("is no whole ONNX model: download or save it again");
  }
  return tensors;
}

/** Every message in one field of a message, without a copy. */
function* fields(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === wanted && wire === WireType.LengthDelimited) yield reader.bytes();
    else reader.skip(wire, field);
  }
}

/** A tensor of floats; null where it is one of others, or a number alone. */
function decodeTensor(
  message: Uint8Array,
  fault: (text: string) => InputError,
): { name: string; tensor: RawTensor } | null {
  const reader = new BinaryReader(message);
  const shape: number[] = [];
  let [type, name, raw, floats] = [0, "", null as Uint8Array | null, null as Uint8Array | null];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === TENSOR.dims && wire === WireType.Varint) shape.push(Number(reader.int64()));
    else if (field === TENSOR.dims && wire === WireType.LengthDelimited) shape.push(...packedDims(reader.bytes()));
    else if (field === TENSOR.type && wire === WireType.Varint) type = reader.int32();
    else if (field === TENSOR.name && wire === WireType.LengthDelimited) name = textOf(reader.bytes(), fault);
    else if (field === TENSOR.raw && wire === WireType.LengthDelimited) raw = reader.bytes();
    else if (field === TENSOR.floats && wire === WireType.LengthDelimited) floats = reader.bytes();
    else if (field === TENSOR.location && wire === WireType.Varint) {
      if (reader.int32() === EXTERNAL) throw fault("keeps its weights in other files, which are not read");
    } else reader.skip(wire, field);
    if (shape.length > MOST_DIMS) throw fault("has a weight of too many dimensions");
  }
  const kind = FLOATS[type];
  if (!kind || shape.length === 0) return null;
  const data = raw ?? (kind.dtype === "F32" ? floats : null);
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0) || data?.length !== sizeOf(shape) * kind.bytes) {
    throw fault(`its weight '${name.slice(0, 200)}' does not hold what its shape says`);
  }
  if (name === "") throw fault(`a weight has no name, which tells what it is: ${EXPORT_AGAIN}`);
  // A copy of its own, and so aligned.
  return { name, tensor: { dtype: kind.dtype, shape, bytes: new Uint8Array(data) } };
}

const EXPORT_AGAIN = "export the model to ONNX again, or give the PyTorch checkpoint";
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array, fault: (text: string) => InputError): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw fault(`the name of a weight is not UTF-8: ${EXPORT_AGAIN}`);
  }
}

function packedDims(bytes: Uint8Array): number[] {
  const reader = new BinaryReader(bytes);
  const dims: number[] = [];
  while (reader.pos < reader.len && dims.length <= MOST_DIMS) dims.push(Number(reader.int64()));
  return dims;
}

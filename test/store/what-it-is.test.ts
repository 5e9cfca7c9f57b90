import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { readWeights } from "../../src/store/foreign/weights.ts";
import { zipOf } from "../datasets/archives.ts";
import { dict, float, global, int, P, pickle, tensor, text } from "../tensor/pickle-bytes.ts";
import { temporaryFolder } from "./temp.ts";
import { torchZip } from "./torch-zip.ts";

const dir = temporaryFolder();

async function answer(content: Uint8Array | string, name = "model.pt"): Promise<string> {
  const file = join(dir, name);
  writeFileSync(file, content);
  return faultOf(file);
}

async function faultOf(file: string): Promise<string> {
  const fault = await readWeights(file).then(
    () => null,
    (error: Error) => error,
  );
  expect(fault).toBeInstanceOf(InputError);
  expect(fault!.message.startsWith(`${file}: `)).toBe(true);
  expect(fault!.message).not.toMatch(/\n/);
  return fault!.message.slice(file.length + 2);
}

const bytes = (start: string, length = 64) => Buffer.concat([Buffer.from(start, "latin1"), Buffer.alloc(length, 7)]);
const zip = (...names: string[]) => zipOf(names.map((path) => ({ path, data: Buffer.from("x") })));
const empty = Buffer.concat([Buffer.from("PK\x05\x06"), Buffer.alloc(18)]);
const object = (module: string, name: string) => [...global(module, name), ...P.emptyTuple, ...P.reduce];

describe("a file that is no checkpoint is named for what it is", () => {
  it.each<[string, Uint8Array | string, RegExp, name?: string]>([
    ["nothing", "", /^is empty: download/],
    ["zeros", Buffer.alloc(9000), /^holds zeros where a checkpoint begins: download/],
    ["Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", /^is a Git LFS pointer.*git lfs pull/],
    ["HTML", "\n<!-- saved --><html><body>Sign in</body>", /^is a web page.*download the file/],
    ["XML of a server", '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', /^is a web page/],
    ["HTML in UTF-16", Buffer.from("\ufeff<html></html>", "utf16le"), /^is a web page/],
    ["UTF-16", Buffer.from("\ufeffwords", "utf16le"), /^is a text/],
    ["UTF-8 that is cut within a character", Buffer.from(`é${"a".repeat(4097)}é`), /^is a text/],
    ["JSON", '\ufeff{"a": 1}', /^is a JSON text/],
    ["a pickle of protocol 0", "(dp0\nVa\np1\nI1\ns.", /^is a pickle of protocol 0.*torch\.save/],
    ["gzip", gzipSync("x"), /^is a gzip archive: unpack/],
    ["zlib", deflateSync("x"), /^is compressed by zlib, as joblib/],
    ["xz", bytes("\xfd7zXZ\x00"), /^is an archive \(xz\): unpack/],
    ["zstd", bytes("\x28\xb5\x2f\xfd"), /^is an archive \(zst\)/],
    ["tar", Buffer.concat([Buffer.from("a".padEnd(257, "\0")), bytes("ustar\x0000", 300)]), /^is an archive \(tar\)/],
    ["PNG", bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), /^is a picture \(image\/png\)/],
    ["JPEG", bytes("\xff\xd8\xff\xe0"), /^is a picture \(image\/jpeg\)/],
    ["GIF", bytes("GIF89a"), /^is a picture \(image\/gif\)/],
    ["PDF", bytes("%PDF-1.4\n%\xe2\xe3"), /^is a file of type application\/pdf/],
    ["Parquet", bytes("PAR1"), /^is a file of type application\/vnd\.apache\.parquet/],
    ["ELF", bytes("\x7fELF\x02\x01"), /^is an ELF program or shared library/],
    ["NumPy", bytes("\x93NUMPY\x01\0"), /^is a NumPy array.*state_dict/],
    ["HDF5", bytes("\x89HDF\r\n\x1a\n"), /^is an HDF5 file, as Keras/],
    ["GGUF", bytes("GGUF\x03"), /^is a GGUF model/],
    ["TensorFlow Lite", bytes("\x1c\0\0\0TFL3"), /^is a TensorFlow Lite model/],
    ["SavedModel", bytes("\x08\x01\x12\x9a\x01"), /^is a TensorFlow SavedModel/, "saved_model.pb"],
    ["a graph", bytes("\x0a\x20\x01"), /^is a TensorFlow graph, as far as its name/, "frozen.pb"],
    ["words under a name of weights", "hello", /^is a text/, "model.safetensors"],
    ["anything", bytes("\x01\x02\xfe\xfc\xfb"), /^is of no form that is read: give a PyTorch checkpoint/],
    ["an empty zip", empty, /^is an empty zip archive/],
    ["npz", zip("a.npy", "b.npy"), /^is an npz file of NumPy arrays/],
    ["Keras", zip("metadata.json", "config.json", "model.weights.h5"), /^is a Keras model/],
    ["a packed SavedModel", zip("x/saved_model.pb"), /^holds a TensorFlow SavedModel/],
    ["a packed checkpoint", zip("runs/best.pth"), /^is a zip archive that holds "runs\/best\.pth": unpack/],
    ["another zip", zip("a/b.txt"), /^is a zip archive without a checkpoint/],
    ["TorchScript", zip("m/code/__torch__.py", "m/data.pkl"), /^is a TorchScript archive/],
  ])("%s", async (_, content, message, name) => {
    expect(await answer(content, name)).toMatch(message);
  });

  it.each<[string, number[], RegExp]>([
    [
      "scikit-learn",
      object("sklearn.svm._classes", "SVC"),
      /^holds no state dict, but an object of sklearn\.svm\._classes\.SVC: save/,
    ],
    [
      "a dict",
      dict([text("acc"), float(1)], [text("epoch"), int(1)]),
      /^holds no state dict, but a dict of acc, epoch: save/,
    ],
    ["one tensor", tensor("0", [1, 4]), /^holds no state dict, but one tensor \[1, 4\]: save/],
  ])("a pickle of %s", async (_, value, message) => {
    expect(await answer(torchZip(pickle(value), { 0: new Uint8Array(16) }))).toMatch(message);
  });

  it("a folder, with the file that may be meant", async () => {
    for (const name of ["none", "some", "saved", "case"]) mkdirSync(join(dir, name));
    for (const name of ["clean.onnx", "model.onnx"]) writeFileSync(join(dir, "case", name), "");
    writeFileSync(join(dir, "some", "pytorch_model.bin"), "");
    writeFileSync(join(dir, "saved", "saved_model.pb"), "");
    expect(await faultOf(join(dir, "none"))).toMatch(/^is a folder; name the file of weights in it$/);
    expect(await faultOf(join(dir, "some"))).toMatch(/^is a folder; .* such as pytorch_model\.bin$/);
    expect(await faultOf(join(dir, "case"))).toMatch(/ such as model\.onnx$/);
    expect(await faultOf(join(dir, "saved"))).toMatch(/^is a TensorFlow SavedModel/);
  });
});

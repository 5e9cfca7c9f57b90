import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { exportOnnx } from "../../src/graph/export.ts";
import { GraphBuilder } from "../../src/graph/onnx.ts";
import { openOwnModel } from "../../src/pipeline/own/model.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { decodeOnnxWeights } from "../../src/tensor/onnx-weights.ts";
import { decodeTensors, encodeState } from "../../src/tensor/safetensors.ts";
import { randomState } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";

const dir = temporaryFolder();
const write = (bytes: Uint8Array, name = "model.onnx") => {
  writeFileSync(join(dir, name), bytes);
  return join(dir, name);
};

describe("an ONNX file that this program wrote", () => {
  it.each(["resnet18w4", "vgg13w4", "googlenetw4"])("is the same %s as its weights beside it", async (arch) => {
    const network = buildNetwork(arch, 7);
    const state = randomState(network, 3);
    const model = await openOwnModel(write(exportOnnx(network, state)));
    const plain = await openOwnModel(write(encodeState(state), "model.safetensors"));
    expect(model.network).toEqual(network);
    expect(model.state).toEqual(state);
    expect([model.sha256, model.notes]).toEqual([plain.sha256, []]);
    expect(decodeTensors(model.encode(state), "repaired").size).toBe(state.size);
  });

  it("cut anywhere is refused in one line, or lacks what was cut", async () => {
    const network = buildNetwork("resnet18w4", 7);
    const whole = exportOnnx(network, randomState(network, 3));
    for (let i = 1; i < 12; i++) {
      const path = write(whole.subarray(0, Math.floor((whole.length * i) / 12)));
      await expect(openOwnModel(path)).rejects.toThrow(/is no whole ONNX model|fits no architecture/);
    }
  });
});

describe("a network under a prefix that not all names share", () => {
  it("is written back with everything that lies beside it", async () => {
    const network = buildNetwork("resnet18w4", 7);
    const [state, other] = [randomState(network, 3), randomState(network, 4)];
    const theirs = (name: string) => (name.startsWith("linear.") ? name.replace("linear", "fc") : `backbone.${name}`);
    const beside = { shape: [7], data: new Float32Array(7).fill(2) };
    const file = new Map([["loss.weight", beside], ...[...state].map(([name, part]) => [theirs(name), part] as const)]);
    const model = await openOwnModel(write(encodeState(file), "wrapped.safetensors"));
    expect(model.state).toEqual(state);
    expect([model.layerName("conv1"), model.notes]).toEqual([
      "backbone.conv1",
      [expect.stringMatching(/left aside, since no resnet18w4 has it: loss\.weight$/)],
    ]);
    const again = await openOwnModel(write(model.encode(other), "again.safetensors"));
    expect(again.state).toEqual(other);
    expect(decodeTensors(model.encode(other), "again").get("loss.weight")!.bytes).toEqual(
      new Uint8Array(beside.data.buffer),
    );
  });
});

describe("an ONNX file of another make", () => {
  it("with its batch norms folded is refused with the mend", async () => {
    const graph = new GraphBuilder();
    const x = graph.input("input", ["N", 3, 32, 32]);
    const filters = graph.initializer("onnx::Conv_193", [4, 3, 3, 3], new Float32Array(108));
    graph.output("logits", graph.op("Conv", [x, filters]), ["N", 4, 30, 30]);
    await expect(openOwnModel(write(graph.finish().model))).rejects.toThrow(
      /model\.onnx: fits no architecture .*; an ONNX file may have its batch norms folded .*: give the PyTorch checkpoint/,
    );
  });

  it("without weights is refused", async () => {
    const graph = new GraphBuilder();
    graph.output("logits", graph.op("Relu", [graph.input("input", ["N", 3])]), ["N", 3]);
    await expect(openOwnModel(write(graph.finish().model))).rejects.toThrow(/model\.onnx: holds no weights$/);
  });

  it("may have its floats as numbers, and constants that are no weights; not its weights elsewhere", () => {
    const field = (number: number, bytes: number[]) => [number * 8 + 2, bytes.length, ...bytes];
    const name = (text: string) => field(8, [...Buffer.from(text)]);
    const model = (...tensors: number[][]) =>
      Uint8Array.from([
        8,
        8,
        ...field(
          7,
          tensors.flatMap((tensor) => field(5, tensor)),
        ),
      ]);
    const one = [0, 0, 128, 63];
    const found = decodeOnnxWeights(
      model(
        [8, 2, 16, 1, ...field(4, [...one, ...one]), ...name("a")],
        [8, 1, 16, 7, ...name("axes")],
        [16, 1, ...name("eps")],
      ),
      "f",
    );
    expect([...found]).toEqual([["a", { dtype: "F32", shape: [2], bytes: Uint8Array.from([...one, ...one]) }]]);
    const refused = (tensors: number[][], message: RegExp) => {
      expect(() => decodeOnnxWeights(model(...tensors), "f")).toThrow(InputError);
      expect(() => decodeOnnxWeights(model(...tensors), "f")).toThrow(message);
    };
    refused([[8, 2, 16, 1, ...name("a"), 112, 1]], /^f: keeps its weights in other files/);
    refused([[8, 2, 16, 1, ...field(9, one), ...name("a")]], /^f: its weight 'a' does not hold what its shape says/);
    const same = [8, 1, 16, 1, ...field(9, one), ...name("a")];
    refused([same, same], /^f: has two weights 'a'/);
    refused([[8, 255, 255, 255, 255, 255, 255, 255, 255, 127, 16, 1, ...name("a")]], /does not hold/);
    refused([same.slice(0, -3)], /^f: a weight has no name, which tells what it is: export the model to ONNX again/);
    refused([[...same.slice(0, -1), 0xff]], /^f: the name of a weight is not UTF-8: export the model to ONNX again/);
    refused([[15, 1]], /is no whole ONNX model/);
  });
});

import ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { onnxRuntime } from "../../src/engine/node.ts";
import { webRuntime } from "../../src/engine/web.ts";
import { GraphBuilder, type Program } from "../../src/graph/onnx.ts";

/** `y = a + b`, `z = a · b`. */
function sumAndProduct(): Program {
  const graph = new GraphBuilder();
  for (const name of ["a", "b"]) graph.input(name, [2, 2]);
  graph.output("y", graph.op("Add", ["a", "b"]), [2, 2]);
  graph.output("z", graph.op("Mul", ["a", "b"]), [2, 2]);
  return graph.finish();
}

const OPTIONS = { device: "cpu", threads: 1, planned: true } as const;
const INPUTS = [
  { name: "a", data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
  { name: "b", data: Float32Array.of(5, 6, 7, 8), shape: [2, 2] },
];

// Both packages have one interface, so Node's stands in for the browser's; tests of the page run that one.
const RUNTIMES = [
  { name: "node", runtime: onnxRuntime },
  { name: "web", runtime: webRuntime(ort as never, { cpu: "cpu", webgpu: "webgpu" }) },
];

it.each(RUNTIMES)("the runtime of $name writes every output where it is wanted", async ({ name, runtime }) => {
  expect(runtime.version).toMatch(`onnxruntime-${name}`);
  const { model, outputs } = sumAndProduct();
  const loaded = await runtime.open(model, OPTIONS);
  const wanted = ["y", "z"].map((key) => ({ name: outputs.get(key)!.name, data: new Float32Array(4), shape: [2, 2] }));
  await loaded.run(INPUTS, wanted);
  expect(wanted.map(({ data }) => [...data])).toEqual([
    [6, 8, 10, 12],
    [5, 12, 21, 32],
  ]);
  await loaded.release();
});

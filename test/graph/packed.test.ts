import { describe, expect, it } from "vitest";
import { Session } from "../../src/engine/session.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { WebGpuLowering } from "../../src/graph/lowering/webgpu.ts";
import { PackedGraphBuilder } from "../../src/graph/packed.ts";
import { everyProgram, feedsFor } from "./every-program.ts";
import { relativeError } from "./programs.ts";
import { NETWORKS, network } from "./small-networks.ts";

const MOST_BYTES = 64 * 2 ** 20;

/** Programs for WebGPU are of standard operators, so the processor runs them too. */
describe("programs whose arrays cross in one", () => {
  const net = network(Object.values(NETWORKS)[0]);

  it.each(everyProgram(net))("$name: the processor gives what it gives unpacked", async ({ make }) => {
    const [plain, packed] = [make(new PlainLowering(4)), make(new WebGpuLowering(4))];
    expect(packed.inputs).toEqual(plain.inputs);
    expect(packed.packing!.inputs).toHaveLength(1);
    expect(packed.packing!.outputs).toHaveLength(1);
    const feeds = feedsFor(plain, net);
    const run = async (program: typeof plain) => {
      const session = await Session.open(program, { threads: 1, device: "cpu" });
      const results = await session.run(feeds);
      await session.release();
      return results;
    };
    const [expected, got] = [await run(plain), await run(packed)];
    expect([...got.keys()]).toEqual([...expected.keys()]);
    for (const [key, values] of expected) expect(relativeError(got.get(key)!, values), key).toBeLessThan(2e-5);
  });

  it("cuts what comes in, joins what goes out, and writes where it is told", async () => {
    const graph = new PackedGraphBuilder();
    const names = Array.from({ length: 20 }, (_, i) => `x${i}`);
    for (const [i, name] of names.entries()) {
      graph.output(`y${i}`, graph.op("Neg", [graph.input(name, [i + 1, 2])]), [i + 1, 2]);
    }
    const session = await Session.open(graph.finish(), { threads: 1, device: "cpu" });
    const feeds = new Map(names.map((name, i) => [name, new Float32Array(2 * (i + 1)).fill(i + 1)]));
    const mine = new Float32Array(2);
    const results = await session.run(feeds, new Map([["y0", mine]]));
    await session.release();
    expect(results.get("y0")).toBe(mine);
    for (const [i] of names.entries()) {
      expect([...results.get(`y${i}`)!]).toEqual(new Array(2 * (i + 1)).fill(-(i + 1)));
    }
    await expect(session.run(new Map([...feeds].slice(1)))).rejects.toThrow("input 'x0' was not fed");
  });

  it("makes several packs of what a device binds at once", () => {
    const graph = new PackedGraphBuilder();
    const third = MOST_BYTES / 4 / 3;
    for (let i = 0; i < 5; i++) graph.input(`x${i}`, [Math.floor(third)]);
    graph.output("y", graph.op("Neg", ["x0"]), [Math.floor(third)]);
    const { inputs } = graph.finish().packing!;
    expect(inputs.map(({ parts }) => parts.map(({ key }) => key))).toEqual([
      ["x0", "x1", "x2"],
      ["x3", "x4"],
    ]);
    for (const { size } of inputs) expect(4 * size).toBeLessThanOrEqual(MOST_BYTES);
  });
});

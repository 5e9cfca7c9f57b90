import type { Device } from "../core/device.ts";
import { GraphBuilder } from "../graph/onnx.ts";
import { Session } from "./session.ts";

/**
 * Opens a device and adds two numbers on it.
 *
 * A driver that is missing writes lines of its own to standard error, and a broken one may end the process: whoever
 * does not want that lets another process try.
 * @throws Error with the runtime's reason where the device does not open or does not add
 */
export async function tryDevice(device: Device): Promise<void> {
  const graph = new GraphBuilder();
  graph.input("x", [2]);
  graph.output("y", graph.op("Add", ["x", "x"]), [2]);
  const session = await Session.open(graph.finish(), { threads: 1, device });
  try {
    const y = (await session.run(new Map([["x", Float32Array.of(1.5, -2)]]))).get("y")!;
    if (y[0] !== 3 || y[1] !== -4) throw new Error(`1.5 + 1.5 and -2 - 2 come out as ${y.join(" and ")}`);
  } finally {
    await session.release();
  }
}

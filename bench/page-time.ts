import { cpus, loadavg } from "node:os";
import * as ort from "onnxruntime-web/wasm";
import { Random } from "../src/core/random.ts";
import { computeWith } from "../src/engine/runtime.ts";
import { Session } from "../src/engine/session.ts";
import { type OnnxRuntimeWeb, webRuntime } from "../src/engine/web.ts";
import { foldState } from "../src/graph/fold.ts";
import { initialState } from "../src/graph/initial-state.ts";
import { PlainLowering } from "../src/graph/lowering/plain.ts";
import { inferProgram } from "../src/graph/programs/infer.ts";
import { buildNetwork } from "../src/tasks/registry.ts";
import { batchOf } from "../web/src/batch.ts";
import { given } from "./given.ts";

// Processor time of what the page computes, by the page's own runtime in one thread: npx tsx bench/page-time.ts ARCH …
// Other programs on the machine lengthen the time on the clock, and this hardly.

const VERSIONS = 3;
const SAMPLES = 256;
const CLASSES = 10;

const architectures = given();
ort.env.wasm.numThreads = 1;
computeWith(webRuntime(ort as unknown as OnnxRuntimeWeb));
console.log(`${cpus().length} cores of ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}`);
for (const arch of architectures) {
  const network = buildNetwork(arch, CLASSES);
  const { channels, height, width } = network.input;
  const weights = foldState(network, initialState(network, new Random(1)));
  const seconds = async (batch: number, runs: number): Promise<number> => {
    const session = await Session.open(inferProgram(new PlainLowering(batch), network), { threads: 1 });
    const feeds = new Map(weights).set("input", new Float32Array(batch * channels * height * width));
    // The first run also compiles.
    await session.run(feeds);
    const before = process.cpuUsage();
    for (let run = 0; run < runs; run++) await session.run(feeds);
    const { user, system } = process.cpuUsage(before);
    await session.release();
    return (user + system) / 1e6;
  };
  const batch = batchOf(network.input);
  const click = await seconds(1, VERSIONS);
  const all = await seconds(batch, SAMPLES / batch);
  console.log(`${arch}: ${VERSIONS} answers ${(1000 * click).toFixed(0)} ms, ${SAMPLES} samples ${all.toFixed(2)} s`);
}

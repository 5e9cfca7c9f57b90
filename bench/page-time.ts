import { cpus, loadavg } from "node:os";
import * as ort from "onnxruntime-web/wasm";
import { Random } from "../src/core/random.ts";
import { computeWith } from "../src/engine/runtime.ts";
import { Session } from "../src/engine/session.ts";
import { type OnnxRuntimeWeb, webRuntime } from "../src/engine/web.ts";
import { foldState } from "../src/graph/fold.ts";
import { initialState } from "../src/graph/initial-state.ts";
import { PlainLowering } from "../src/graph/lowering/plain.ts";
import { TokenLowering } from "../src/graph/lowering/tokens.ts";
import type { Network } from "../src/graph/network.ts";
import { inferProgram } from "../src/graph/programs/infer.ts";
import { glosses } from "../src/tasks/language/datasets/glosses.ts";
import { drawn } from "../src/tasks/language/drawn.ts";
import { inputs } from "../src/tasks/language/inputs.ts";
import { buildNetwork } from "../src/tasks/registry.ts";
import { batchOf } from "../web/src/batch.ts";
import { runsOf } from "../web/src/runs.ts";
import { given } from "./given.ts";

// Processor time of what the page computes, by the page's own runtime in one thread: npx tsx bench/page-time.ts ARCH …
// Other programs on the machine lengthen the time on the clock, and this hardly.

const VERSIONS = 3;
const SAMPLES = 256;
const CLASSES = 10;
/** Texts of a run, as in the page. */
const TEXTS = 64;

/** What a run reads: pictures of nothing, or test glosses in the lengths that they have. */
interface Read {
  network: Network;
  input: Float32Array;
}

function reads(network: Network, batch: number, samples: number): Read[] {
  const { channels, height, width, tokens } = network.input;
  if (!tokens) {
    const input = new Float32Array(batch * channels * height * width);
    return new Array(samples / batch).fill({ network, input });
  }
  const texts = drawn(samples, network, glosses.name)!;
  const encoder = inputs.encoder(texts, glosses.normalization);
  return [...runsOf(network, { ...encoder, batch }, texts, batch)];
}

const architectures = given();
ort.env.wasm.numThreads = 1;
computeWith(webRuntime(ort as unknown as OnnxRuntimeWeb));
console.log(`${cpus().length} cores of ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}`);
for (const arch of architectures) {
  const network = buildNetwork(arch, CLASSES);
  const { tokens } = network.input;
  const weights = foldState(network, initialState(network, new Random(1)));
  const seconds = async (batch: number, samples: number): Promise<number> => {
    let total = 0;
    for (const read of reads(network, batch, samples)) {
      const lowering = tokens ? new TokenLowering(batch) : new PlainLowering(batch);
      const session = await Session.open(inferProgram(lowering, read.network), { threads: 1 });
      const feeds = new Map(weights).set("input", read.input);
      // The first run also compiles.
      await session.run(feeds);
      const before = process.cpuUsage();
      await session.run(feeds);
      const { user, system } = process.cpuUsage(before);
      await session.release();
      total += user + system;
    }
    return total / 1e6;
  };
  const click = await seconds(1, VERSIONS);
  const all = await seconds(tokens ? TEXTS : batchOf(network.input), SAMPLES);
  console.log(`${arch}: ${VERSIONS} answers ${(1000 * click).toFixed(0)} ms, ${SAMPLES} samples ${all.toFixed(2)} s`);
}

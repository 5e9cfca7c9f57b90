import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { Random } from "../src/core/random.ts";
import { foldState } from "../src/graph/fold.ts";
import { initialState } from "../src/graph/initial-state.ts";
import { buildNetwork } from "../src/tasks/classification/models/registry.ts";
import { preparedBatches, WEIGHTS_SEED } from "./data.ts";
import { channelsLast, tfjsNetwork } from "./tfjs-network.ts";
import { finish, job, runSteps } from "./turns.ts";

/** TensorFlow.js's side of a comparison: inference by its WebAssembly backend, which has one thread under Node. */

await tf.setBackend("wasm");
const network = buildNetwork(job.arch, job.classes);
const folded = foldState(network, initialState(network, new Random(WEIGHTS_SEED)));
const run = tfjsNetwork(network, folded, job.what === "infer");
const batches = preparedBatches(network, job.batch, 4).map(({ images }) => channelsLast(images, network));
let taken = 0;

/** Everything is read back, as ours is. */
async function step(): Promise<{ logits: Float32Array }> {
  const outputs = tf.tidy(() => run(batches[taken++ % batches.length]));
  const logits = outputs.logits.dataSync<"float32">().slice();
  for (const tensor of Object.values(outputs)) {
    tensor.dataSync();
    tensor.dispose();
  }
  return { logits };
}

const { logits } = await step();
await runSteps(step, { logits: [...logits] });
finish();

import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { channelsLast, tfjsNetwork } from "../../bench/tfjs-network.ts";
import { Random } from "../../src/core/random.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState } from "../../src/graph/fold.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { tapProgram } from "../../src/graph/programs/infer.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { randomArray, randomState, relativeError } from "../graph/programs.ts";

const BATCH = 2;

beforeAll(async () => {
  await tf.setBackend("wasm");
});

describe("TensorFlow.js as a peer computes our network", () => {
  it.each(["resnet18w4", "vgg13w4", "vgg16w4", "googlenetw4"])("%s: logits and every tap", async (arch) => {
    const network = buildNetwork(arch, 10);
    const folded = foldState(network, randomState(network, 3));
    const images = randomArray(BATCH * 3 * 32 * 32, new Random(4));

    const session = await Session.open(tapProgram(new PlainLowering(BATCH), network), { threads: 1 });
    const ours = await session.run(new Map(folded).set("input", images));
    const theirs = tf.tidy(() => tfjsNetwork(network, folded, true)(channelsLast(images, network)));

    expect(Object.keys(theirs).sort()).toEqual([...ours.keys()].sort());
    for (const [key, values] of ours) {
      expect(relativeError(theirs[key].dataSync<"float32">(), values), key).toBeLessThan(1e-4);
    }
    await session.release();
  });
});

import ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { exportOnnx } from "../../src/graph/export.ts";
import { foldState } from "../../src/graph/fold.ts";
import { type Network, parameterKeys } from "../../src/graph/network.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { atPositions } from "../../src/graph/programs/language.ts";
import { gradientOf, trainProgram } from "../../src/graph/programs/train.ts";
import { partsOf, positionsBehind } from "../../src/graph/sequences.ts";
import { marked, POSITIONS, tiny, VOCABULARY } from "../tasks/language/reply/tiny.ts";
import { randomState, relativeError } from "./programs.ts";
import { slopeError } from "./small-networks.ts";

const K = 5;
const several = tiny(K);
const state = randomState(several, 1);
const random = new Random(2);
const tokens = Array.from({ length: POSITIONS }, () => random.below(VOCABULARY));

async function logitsOf(network: Network, input: Float32Array): Promise<Float32Array> {
  const session = await Session.open(inferProgram(await chooseLowering(network, 1), network), { threads: 1 });
  const logits = (await session.run(foldState(network, state).set("input", input))).get("logits")!.slice();
  await session.release();
  return logits;
}

describe("an answer of several tokens", () => {
  it("is what a network of one token gives at the mark, and at each position behind it", async () => {
    const all = await logitsOf(several, marked(tokens, 9));
    expect(all).toHaveLength(K * VOCABULARY);
    for (let k = 0; k < K; k++) {
      const one = await logitsOf(tiny(), marked(tokens, 9 + k));
      expect(relativeError(all.subarray(k * VOCABULARY, (k + 1) * VOCABULARY), one)).toBeLessThan(1e-5);
    }
  });

  it("depends on no token behind: a changed one leaves the steps before it bit for bit", async () => {
    const before = await logitsOf(several, marked(tokens, 9));
    const after = await logitsOf(several, marked(tokens.with(12, (tokens[12] + 1) % VOCABULARY), 9));
    expect(after.subarray(0, 3 * VOCABULARY)).toEqual(before.subarray(0, 3 * VOCABULARY));
    expect(after.subarray(3 * VOCABULARY)).not.toEqual(before.subarray(3 * VOCABULARY));
  });

  it("is 0 where the sequence has ended, and the same where only what it reads is computed", async () => {
    const late = await logitsOf(several, marked(tokens, POSITIONS - 2));
    expect(late.subarray(2 * VOCABULARY).every((z) => z === 0)).toBe(true);
    expect(late.subarray(VOCABULARY, 2 * VOCABULARY).some((z) => z !== 0)).toBe(true);
    expect([positionsBehind(several), positionsBehind(tiny())]).toEqual([K - 1, 0]);
    const [{ positions }] = partsOf([9], several, 1);
    expect(positions).toBe(16);
    expect(partsOf([9], several, 1, 0)[0].positions).toBe(16);
    expect(partsOf([12], several, 1).map((part) => part.positions)).toEqual([POSITIONS]);
    expect(partsOf([12], tiny(), 1).map((part) => part.positions)).toEqual([16]);
    const short = await logitsOf(atPositions(several, positions), marked(tokens, 9).subarray(0, 2 * positions));
    expect(relativeError(short, await logitsOf(several, marked(tokens, 9)))).toBeLessThan(1e-5);
  });

  it("has gradients as finite differences have them", async () => {
    const table = parameterKeys(several)[0];
    const trains = (key: string) => key !== table;
    const { program, trained } = trainProgram(await chooseLowering(several, 1), several, { trains });
    const session = await Session.open(program, { threads: 1 });
    const targets = new Float32Array(K * VOCABULARY);
    for (let k = 0; k < K; k++) targets[k * VOCABULARY + random.below(VOCABULARY)] = 1 / K;
    const feeds = new Map<string, Float32Array>([...state].map(([key, { data }]) => [key, data.slice()]));
    feeds.set("input", marked(tokens, 9)).set("targets", targets);
    const results = new Map([...(await session.run(feeds))].map(([key, values]) => [key, values.slice()]));
    const run = async () => (await session.run(feeds)).get("loss")![0];
    for (const key of trained) {
      expect(await slopeError(run, feeds.get(key)!, results.get(gradientOf(key))!, random), key).toBeLessThan(0.03);
    }
    await session.release();
  });

  it("is the same in the ONNX file that checkouts hold", async () => {
    const file = await ort.InferenceSession.create(exportOnnx(several, state));
    const input = marked(tokens, 9);
    const { logits } = await file.run({
      input: new ort.Tensor("float32", Float32Array.from(input), [1, POSITIONS, 2]),
    });
    expect(logits.dims).toEqual([1, K * VOCABULARY]);
    expect(relativeError(logits.data as Float32Array, await logitsOf(several, input))).toBeLessThan(1e-5);
  });
});

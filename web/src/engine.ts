import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import * as ort from "onnxruntime-web/wasm";
import { computeWith } from "../../src/engine/runtime.ts";
import { Session } from "../../src/engine/session.ts";
import { type OnnxRuntimeWeb, webRuntime } from "../../src/engine/web.ts";
import { foldState } from "../../src/graph/fold.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import type { Network } from "../../src/graph/network.ts";
import { unitsOf } from "../../src/graph/network.ts";
import { GraphBuilder } from "../../src/graph/onnx.ts";
import { inferProgram, meanTap, tapProgram } from "../../src/graph/programs/infer.ts";
import { Normaliser } from "../../src/images/batch.ts";
import { type Images, imageSize, type Normalization } from "../../src/images/image-set.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { batchOf } from "./batch.ts";

// Threads need headers that a host of static files does not send.
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { wasm: new URL(wasmUrl, document.baseURI).href };
computeWith(webRuntime(ort as unknown as OnnxRuntimeWeb));

/**
 * The runtime is fetched and compiled while the page still reads a defect: whatever is opened first starts that. Where it
 * fails, the first network says why.
 */
const nothing = new GraphBuilder();
nothing.output("y", nothing.op("Relu", [nothing.input("x", [1])]), [1]);
void Session.open(nothing.finish(), { threads: 1 }).catch(() => undefined);

/** A network in this page: its programs take weights as inputs, so that all versions share them. */
export class Engine {
  readonly network: Network;
  private readonly normaliser: Normaliser;
  private readonly sessions = new Map<string, Promise<Session>>();
  /** Runs come one after the other, since a session's outputs are valid until its next run; a picture's goes between two of a batch. */
  private last: Promise<unknown> = Promise.resolve();
  /** The picture that was asked about last. */
  private picture: Promise<unknown> = Promise.resolve();

  constructor(network: Network, normalization: Normalization) {
    this.network = network;
    this.normaliser = new Normaliser(normalization);
  }

  /**
   * Logits `[count × classes]`, image-major.
   * @param goOn asked between two runs; where it says no, the answer is null
   */
  async logits(
    state: StateDict,
    images: Images,
    goOn: () => boolean = () => true,
  ): Promise<Float32Array<ArrayBuffer> | null> {
    const { classes } = this.network;
    const result = new Float32Array(images.count * classes);
    const work = this.eachBatch("infer", state, images, goOn, (outputs, start, count) => {
      result.set(outputs.get("logits")!.subarray(0, count * classes), start * classes);
    });
    if (images.count === 1) this.picture = work.catch(() => undefined);
    return (await work) ? result : null;
  }

  /** Until nobody waits for an answer to a picture: what a batch opens or draws would hold up the page. */
  async afterPictures(): Promise<void> {
    for (let seen: Promise<unknown> | undefined; seen !== this.picture; ) {
      seen = this.picture;
      await seen;
      await new Promise((next) => setTimeout(next, 0));
    }
  }

  /** Spatial mean of one neuron's activation on each image; null where `goOn` said no. */
  async activations(
    state: StateDict,
    images: Images,
    layer: string,
    index: number,
    goOn: () => boolean,
  ): Promise<Float32Array<ArrayBuffer> | null> {
    const { width } = unitsOf(this.network).find(({ id }) => id === layer)!;
    const result = new Float32Array(images.count);
    const whole = await this.eachBatch("taps", state, images, goOn, (outputs, start, count) => {
      const means = outputs.get(meanTap(layer))!;
      for (let i = 0; i < count; i++) result[start + i] = means[i * width + index];
    });
    return whole ? result : null;
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  private async eachBatch(
    kind: "infer" | "taps",
    state: StateDict,
    images: Images,
    goOn: () => boolean,
    take: (outputs: ReadonlyMap<string, Float32Array>, start: number, count: number) => void,
  ): Promise<boolean> {
    const batch = images.count === 1 ? 1 : batchOf(images);
    if (batch > 1) await this.afterPictures();
    if (!goOn()) return false;
    const session = await this.session(kind, batch);
    const size = imageSize(images);
    const input = new Float32Array(batch * size);
    const feeds = new Map(foldState(this.network, state)).set("input", input);
    for (let start = 0; start < images.count; start += batch) {
      // Clicks and pictures get their turn.
      if (batch > 1) await new Promise((next) => setTimeout(next, 0));
      if (!goOn()) return false;
      const count = Math.min(batch, images.count - start);
      for (let i = 0; i < count; i++) {
        this.normaliser.write(images.pixels, (start + i) * size, input, i * size, size);
      }
      await this.inTurn(async () => take(await session.run(feeds), start, count));
    }
    return true;
  }

  private session(kind: "infer" | "taps", batch: number): Promise<Session> {
    const key = `${kind} ${batch}`;
    let session = this.sessions.get(key);
    if (!session) {
      const make = kind === "infer" ? inferProgram : tapProgram;
      session = Session.open(make(new PlainLowering(batch), this.network), { threads: 1 });
      this.sessions.set(key, session);
    }
    return session;
  }
}

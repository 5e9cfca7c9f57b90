import type { Samples } from "../../src/core/samples.ts";
import { computeWith } from "../../src/engine/runtime.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState } from "../../src/graph/fold.ts";
import type { Lowering } from "../../src/graph/lowering/lowering.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { TokenLowering } from "../../src/graph/lowering/tokens.ts";
import type { Network } from "../../src/graph/network.ts";
import { unitsOf } from "../../src/graph/network.ts";
import { GraphBuilder, type Program } from "../../src/graph/onnx.ts";
import { ACTIVATION, activationProgram } from "../../src/graph/programs/activation.ts";
import { inferProgram, meanTap, tapProgram } from "../../src/graph/programs/infer.ts";
import { markOf } from "../../src/graph/sequences.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import type { Reader } from "./exhibits/exhibit.ts";
import { type Run, runsOf } from "./runs.ts";
import { runtimeInWorker } from "./runtime/in-worker.ts";

computeWith(runtimeInWorker());

/**
 * The runtime is fetched and compiled while the page still reads a defect: whatever is opened first starts that. Where it
 * fails, the first network says why.
 */
const nothing = new GraphBuilder();
nothing.output("y", nothing.op("Relu", [nothing.input("x", [1])]), [1]);
void Session.open(nothing.finish(), { threads: 1 }).catch(() => undefined);

/** What a neuron's activation is on each sample. */
export interface Activations {
  /** The spatial mean; of sequences the highest up to where the answer is asked for. */
  values: Float32Array<ArrayBuffer>;
  /** Of sequences, the position of the highest; else null. */
  places: Uint16Array | null;
}

/** A network in this page: its programs take weights as inputs, so that all versions share them. */
export class Engine {
  readonly network: Network;
  private readonly reader: Reader;
  private readonly sessions = new Map<string, Promise<Session>>();
  /** Runs come one after the other, since a session's outputs are valid until its next run; a picture's goes between two of a batch. */
  private last: Promise<unknown> = Promise.resolve();
  /** The picture that was asked about last. */
  private picture: Promise<unknown> = Promise.resolve();
  private released = false;

  constructor(network: Network, reader: Reader) {
    this.network = network;
    this.reader = reader;
  }

  /** Logits of one sample. @param goOn asked before it is run; where it says no, the answer is null */
  async logits(
    state: StateDict,
    sample: Samples,
    goOn: () => boolean = () => true,
  ): Promise<Float32Array<ArrayBuffer> | null> {
    const result = new Float32Array(this.network.classes);
    const work = this.eachLogits(state, sample, goOn, (logits) => result.set(logits));
    this.picture = work.catch(() => undefined);
    return (await work) ? result : null;
  }

  /**
   * Logits of many samples, each when it is there and valid until the next run: of a large vocabulary all together would fill the memory.
   * @param goOn asked between two runs; where it says no, the answer is false and not all were given
   */
  eachLogits(
    state: StateDict,
    samples: Samples,
    goOn: () => boolean,
    take: (logits: Float32Array, i: number) => void,
  ): Promise<boolean> {
    const { classes } = this.network;
    return this.eachRun("infer", inferProgram, state, samples, goOn, (outputs, { members }) => {
      const logits = outputs.get("logits")!;
      for (const [k, i] of members.entries()) take(logits.subarray(k * classes, (k + 1) * classes), i);
    });
  }

  /** Until nobody waits for an answer to a picture: what a batch opens or draws would hold up the page. */
  async afterPictures(): Promise<void> {
    for (let seen: Promise<unknown> | undefined; seen !== this.picture; ) {
      seen = this.picture;
      await seen;
      await new Promise((next) => setTimeout(next, 0));
    }
  }

  /** One neuron's activation on each sample; null where `goOn` said no. */
  activations(
    state: StateDict,
    samples: Samples,
    layer: string,
    index: number,
    goOn: () => boolean,
  ): Promise<Activations | null> {
    const { width } = unitsOf(this.network).find(({ id }) => id === layer)!;
    const found = { values: new Float32Array(samples.count), places: null };
    return this.network.input.tokens
      ? this.peaks(state, samples, { layer, width, index }, goOn)
      : this.eachRun("taps", tapProgram, state, samples, goOn, (outputs, { members }) => {
          const means = outputs.get(meanTap(layer))!;
          for (const [k, i] of members.entries()) found.values[i] = means[k * width + index];
        }).then((whole) => (whole ? found : null));
  }

  private async peaks(
    state: StateDict,
    samples: Samples,
    { layer, width, index }: { layer: string; width: number; index: number },
    goOn: () => boolean,
  ): Promise<Activations | null> {
    const [values, places] = [new Float32Array(samples.count), new Uint16Array(samples.count)];
    const { shared = 0 } = this.reader;
    const make = (lowering: Lowering, network: Network) => activationProgram(lowering, network, layer, false);
    const whole = await this.eachRun(
      `at ${layer}`,
      make,
      state,
      samples,
      goOn,
      (outputs, { members, network, input }) => {
        const activation = outputs.get(ACTIVATION)!;
        const { height, channels } = network.input;
        for (const [k, i] of members.entries()) {
          const mark = markOf(input, k, height, channels);
          const at = (t: number) => activation[(k * height + t) * width + index];
          let best = shared;
          for (let t = shared + 1; t <= mark; t++) if (at(t) > at(best)) best = t;
          [values[i], places[i]] = [at(best), best];
        }
      },
    );
    return whole ? { values, places } : null;
  }

  /** Gives the runtime's memory back, when nobody looks at the network any more: what is asked after that is answered with null. */
  async release(): Promise<void> {
    this.released = true;
    for (const opening of this.sessions.values()) {
      const session = await opening.catch(() => null);
      await this.inTurn(async () => session?.release());
    }
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  private async eachRun(
    kind: string,
    make: (lowering: Lowering, network: Network) => Program,
    state: StateDict,
    samples: Samples,
    goOn: () => boolean,
    take: (outputs: ReadonlyMap<string, Float32Array>, run: Run) => void,
  ): Promise<boolean> {
    const batch = samples.count === 1 ? 1 : this.reader.batch;
    if (batch > 1) await this.afterPictures();
    if (this.released || !goOn()) return false;
    const feeds = new Map(foldState(this.network, state));
    for (const run of runsOf(this.network, this.reader, samples, batch)) {
      // A session that is opened after the release would be given back by nobody.
      if (this.released) return false;
      const session = await this.session(kind, make, run.network, batch);
      // Clicks and pictures get their turn.
      if (batch > 1) await new Promise((next) => setTimeout(next, 0));
      if (this.released || !goOn()) return false;
      feeds.set("input", run.input);
      await this.inTurn(async () => take(await session.run(feeds), run));
    }
    return true;
  }

  private session(
    kind: string,
    make: (lowering: Lowering, network: Network) => Program,
    network: Network,
    batch: number,
  ): Promise<Session> {
    const { height, tokens } = network.input;
    const key = `${kind} ${batch} ${height}`;
    let session = this.sessions.get(key);
    if (!session) {
      const lowering = tokens ? new TokenLowering(batch) : new PlainLowering(batch);
      session = Session.open(make(lowering, network), { threads: 1 });
      this.sessions.set(key, session);
      // What failed once, for want of memory, is tried again for who asks next.
      session.catch(() => this.sessions.delete(key));
    }
    return session;
  }
}

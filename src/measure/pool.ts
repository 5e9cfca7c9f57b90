import { LaidOutWeights, laysOut } from "../engine/laid-out.ts";
import { chooseLowering } from "../engine/lowering.ts";
import { type Arrays, Session, type SessionOptions } from "../engine/session.ts";
import { activationBytes } from "../graph/cost.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { type Network, outputsOf } from "../graph/network.ts";
import type { Program } from "../graph/onnx.ts";

type Feeds = ReadonlyMap<string, Float32Array>;

/** A session, and what was embedded in it. */
interface Entry {
  session: Promise<Session>;
  frozen: ReadonlyMap<string, Float32Array> | undefined;
  /** Settles when no run is under way. */
  idle: Promise<unknown>;
  /** Of the activations of its batch, by which sessions are told large and small. */
  bytes: number;
}

/**
 * Bytes of activations that the sessions kept between two pieces of work stand for, about: all sessions of narrow
 * networks but GoogLeNet's, which are opened again. The runtime keeps as much again for some programs.
 */
const KEPT = 400e6;

/**
 * Sessions opened on demand and kept. Programs take weights as inputs, so one session serves every model of a network;
 * where one model is run many times its weights may be frozen instead, and what a run would do to weights alone
 * (reorderings, paddings) is done once. Of frozen sessions of one kind the last one is kept.
 */
export class ProgramPool {
  readonly threads: number;
  private readonly entries = new Map<string, Entry>();
  /** What was laid out of feeds for the session that they went to last. */
  private readonly laidOut = new WeakMap<Feeds, { session: Session; feeds: Map<string, Float32Array> }>();

  constructor(threads: number) {
    this.threads = threads;
  }

  /**
   * @param name tells programs of one network and batch apart, their options included
   * @param frozen inputs to embed, told apart by the map's identity: their values must not change
   * @param steady weights that stay the same for as long as `feeds` is the same map: the host lays them out once
   */
  async run(
    name: string,
    network: Network,
    batch: number,
    make: (lowering: Lowering) => Program,
    feeds: Feeds,
    frozen?: ReadonlyMap<string, Float32Array>,
    steady?: ReadonlySet<string>,
  ): Promise<Arrays> {
    const [kind, width] = [`${name}${steady ? " steady" : ""}`, outputsOf(network)];
    const { channels, height } = network.input;
    const key = `${kind}|${network.arch}|${network.nodes[0].id}|${channels}x${height}|${width}|${batch}`;
    let entry = this.entries.get(key);
    if (entry?.frozen !== frozen || !entry) {
      if (entry) void releaseWhenIdle(entry);
      const bytes = activationBytes(network, batch);
      entry = { session: this.open(network, batch, make, frozen, steady), frozen, idle: Promise.resolve(), bytes };
    }
    // The last one used is the last one in the map.
    this.entries.delete(key);
    this.entries.set(key, entry);
    const result = entry.session.then((session) => session.run(this.layOut(session, feeds)));
    entry.idle = Promise.allSettled([entry.idle, result]);
    return result;
  }

  /** Like {@link run}, for what is not asked again: the session is there while `work` runs, which may run it often. */
  async lend<T>(
    network: Network,
    batch: number,
    make: (lowering: Lowering) => Program,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    const program = make(await chooseLowering(network, batch));
    const session = await Session.open(program, this.optionsFor(network, batch));
    try {
      return await work(session);
    } finally {
      await session.release();
    }
  }

  /**
   * Closes sessions, the longest unused first, until the rest are small: between two pieces of work, of which the next
   * may need none of them. No value depends on it.
   *
   * @returns how many are left open
   */
  async trim(bytes = KEPT): Promise<number> {
    let sum = 0;
    for (const [key, entry] of [...this.entries].reverse()) {
      sum += entry.bytes;
      if (sum <= bytes) continue;
      this.entries.delete(key);
      await releaseWhenIdle(entry);
    }
    return this.entries.size;
  }

  async release(): Promise<void> {
    const open = [...this.entries.values()];
    this.entries.clear();
    for (const { session } of open) await (await session).release();
  }

  /** The feeds with what the session wants laid out of them. */
  private layOut(session: Session, feeds: Feeds): Feeds {
    const { laidOut } = session.program;
    if (!laidOut) return feeds;
    const known = this.laidOut.get(feeds);
    if (known?.session === session) {
      for (const [name, values] of feeds) known.feeds.set(name, values);
      return known.feeds;
    }
    const all = new Map(feeds);
    new LaidOutWeights(laidOut, all, true);
    this.laidOut.set(feeds, { session, feeds: all });
    return all;
  }

  private async open(
    network: Network,
    batch: number,
    make: (lowering: Lowering) => Program,
    frozen: ReadonlyMap<string, Float32Array> | undefined,
    steady: ReadonlySet<string> | undefined,
  ): Promise<Session> {
    const lowering = await chooseLowering(network, batch);
    if (steady && laysOut(lowering, network)) lowering.graph.layOut(steady);
    if (frozen) lowering.graph.freeze(frozen);
    return Session.open(make(lowering), this.optionsFor(network, batch));
  }

  private optionsFor(network: Network, batch: number): SessionOptions {
    return { threads: this.threads, activationBytes: activationBytes(network, batch) };
  }
}

async function releaseWhenIdle({ session, idle }: Entry): Promise<void> {
  await idle;
  // A session that could not be opened was reported by its run.
  await session.then(
    (opened) => opened.release(),
    () => undefined,
  );
}

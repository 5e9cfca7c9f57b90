import { chooseLowering } from "../engine/lowering.ts";
import { type Arrays, Session } from "../engine/session.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import type { Network } from "../graph/network.ts";
import type { Program } from "../graph/onnx.ts";

/**
 * Sessions opened on demand and kept: programs take weights as inputs, so one session serves every model of a network.
 */
export class ProgramPool {
  readonly threads: number;
  private readonly sessions = new Map<string, Promise<Session>>();

  constructor(threads: number) {
    this.threads = threads;
  }

  /** @param name tells programs of one network and batch apart, their options included */
  async run(
    name: string,
    network: Network,
    batch: number,
    make: (lowering: Lowering) => Program,
    feeds: ReadonlyMap<string, Float32Array>,
  ): Promise<Arrays> {
    const key = `${name}|${network.arch}|${network.nodes[0].id}|${network.classes}|${batch}`;
    let session = this.sessions.get(key);
    if (!session) {
      session = chooseLowering(network, batch).then((lowering) => Session.open(make(lowering), this));
      this.sessions.set(key, session);
    }
    return (await session).run(feeds);
  }

  /** Like {@link run}, for what is not asked again: the session is there while `work` runs, which may run it often. */
  async lend<T>(
    network: Network,
    batch: number,
    make: (lowering: Lowering) => Program,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    const session = await Session.open(make(await chooseLowering(network, batch)), this);
    try {
      return await work(session);
    } finally {
      await session.release();
    }
  }

  async release(): Promise<void> {
    const open = [...this.sessions.values()];
    this.sessions.clear();
    for (const session of open) await (await session).release();
  }
}

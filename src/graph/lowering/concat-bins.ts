import { type Bin, type ChannelRun, roundUp } from "./channel-slots.ts";

/** A part of a concatenation, as it is before it is joined. */
export interface ConcatPart {
  channels: number;
  /** Whether its blocks are shared among images: it is moved anyway, so it may be moved anywhere. */
  shared: boolean;
  /** Where its channels lie, if it is a concatenation itself. */
  bins?: readonly Bin[];
}

/** Parts that share blocks of a concatenation, and where each begins. The first may have blocks of its own already. */
export type JoinedBin = readonly { part: number; first: number }[];

/**
 * Which parts of a concatenation lie in the same blocks, in as few blocks as are found: every further block is work for all that
 * reads the concatenation. Parts that share blocks among images come together; where all of a block's fit behind others that leave
 * slots free, they go there.
 */
export function joinedBins(parts: readonly ConcatPart[], block: number): JoinedBin[] {
  const hosts = parts.flatMap(({ channels, shared, bins }, part) => {
    if (shared) return [];
    const free = bins ? 0 : roundUp(channels, block) - channels;
    return [{ members: [{ part, first: 0 }], used: channels, free }];
  });
  const guests: { members: { part: number; first: number }[]; used: number }[] = [];
  for (const [part, { channels, shared }] of parts.entries()) {
    if (!shared) continue;
    const bin = guests.find(({ used }) => used + channels <= block);
    if (bin) {
      bin.members.push({ part, first: bin.used });
      bin.used += channels;
    } else guests.push({ members: [{ part, first: 0 }], used: channels });
  }
  const alone = guests.filter(({ members }) => !settle(members, parts, hosts));
  return [...hosts, ...alone].map(({ members }) => members).sort((a, b) => a[0].part - b[0].part);
}

interface Host {
  members: { part: number; first: number }[];
  used: number;
  free: number;
}

/** Puts all of a block's parts behind others, the largest first and each where least is left; or none of them. */
function settle(members: readonly { part: number }[], parts: readonly ConcatPart[], hosts: Host[]): boolean {
  const free = new Map(hosts.map((host) => [host, host.free]));
  const moves: { part: number; host: Host }[] = [];
  for (const { part } of [...members].sort((a, b) => parts[b.part].channels - parts[a.part].channels)) {
    const { channels } = parts[part];
    const fitting = [...free].filter(([, slots]) => slots >= channels).sort(([, a], [, b]) => a - b);
    if (fitting.length === 0) return false;
    const [host, slots] = fitting[0];
    free.set(host, slots - channels);
    moves.push({ part, host });
  }
  for (const { part, host } of moves) {
    host.members.push({ part, first: host.used });
    host.used += parts[part].channels;
    host.free -= parts[part].channels;
  }
  return true;
}

/** Where the channels of a concatenation lie. */
export function binsOf(parts: readonly ConcatPart[], joined: readonly JoinedBin[]): Bin[] {
  const starts: number[] = [];
  parts.reduce((sum, { channels }) => {
    starts.push(sum);
    return sum + channels;
  }, 0);
  return joined.flatMap((members) => {
    const [{ part }] = members;
    const { bins } = parts[part];
    const moved = (run: ChannelRun) => ({ ...run, first: run.first + starts[part] });
    if (bins) return bins.map((bin) => bin.map(moved));
    return [members.map((member) => ({ first: starts[member.part], count: parts[member.part].channels }))];
  });
}

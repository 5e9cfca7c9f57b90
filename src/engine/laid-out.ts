import { stateValues } from "../graph/cost.ts";
import type { LaidOut } from "../graph/host-layout.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import type { Network } from "../graph/network.ts";
import { alignedArrays } from "./aligned.ts";

/**
 * Up to so many values of a network the host lays its filters out for the operators: that is less work than the graph's own
 * operators for it in every run (docs/benchmarks.md). Of wide networks it is a small part of a run, and the host would hold
 * the filters several times.
 */
const MOST_LAID_OUT = 2 ** 20;

/** Whether the host lays a network's filters out where they change little from run to run. */
export function laysOut({ kind }: Pick<Lowering, "kind">, network: Network): boolean {
  return kind !== "webgpu" && stateValues(network) <= MOST_LAID_OUT;
}

/** An array that is laid out from another. */
interface Copy {
  into: Float32Array;
  sources: Int32Array;
  /** Where the other's elements lie in it, once one has changed. */
  places?: Places;
}

/** Of element i the places `[starts[i], starts[i + 1])` of `all`. */
interface Places {
  starts: Uint32Array;
  all: Uint32Array;
}

/** What the host lays out of weights for a program, kept up to date: of values that change, only where they lie. */
export class LaidOutWeights {
  private readonly feeds: ReadonlyMap<string, Float32Array>;
  private readonly copies = new Map<string, Copy[]>();

  /**
   * @param feeds the program's; what is laid out is added
   * @param isBrief whether there will be many of these: aligned memory reserves many addresses
   */
  constructor(laidOut: readonly LaidOut[], feeds: Map<string, Float32Array>, isBrief = false) {
    this.feeds = feeds;
    const lengths = laidOut.map(({ sources }) => sources.length);
    const arrays = isBrief ? lengths.map((length) => new Float32Array(length)) : alignedArrays(lengths);
    for (const [k, { name, from, sources }] of laidOut.entries()) {
      const values = feeds.get(from);
      if (!values) throw new Error(`input '${from}' was not fed`);
      const into = arrays[k];
      // A loop of one's own: `from` calls back for each of a million values.
      for (let i = 0; i < into.length; i++) if (sources[i] !== 0) into[i] = values[sources[i] - 1];
      feeds.set(name, into);
      const copies = this.copies.get(from);
      const copy = { into, sources };
      if (copies) copies.push(copy);
      else this.copies.set(from, [copy]);
    }
  }

  /** Elements `[start, end)` of an array have changed. */
  update(from: string, start: number, end: number): void {
    const copies = this.copies.get(from);
    if (!copies) return;
    const values = this.feeds.get(from)!;
    for (const copy of copies) {
      copy.places ??= placesOf(copy.sources, values.length);
      const { into } = copy;
      const { starts, all } = copy.places;
      for (let i = start; i < end; i++) {
        const value = values[i];
        for (let k = starts[i]; k < starts[i + 1]; k++) into[all[k]] = value;
      }
    }
  }
}

function placesOf(sources: Int32Array, count: number): Places {
  const starts = new Uint32Array(count + 1);
  // `starts[i]` counts element i − 1 at first, whose source is i.
  for (const source of sources) if (source > 0) starts[source]++;
  for (let i = 0; i < count; i++) starts[i + 1] += starts[i];
  const all = new Uint32Array(starts[count]);
  const next = starts.slice();
  for (let place = 0; place < sources.length; place++) {
    const source = sources[place];
    if (source > 0) all[next[source - 1]++] = place;
  }
  return { starts, all };
}

import type { Samples } from "../../core/samples.ts";
import { neuronLayers } from "../../graph/network.ts";
import type { Suspect } from "../types.ts";
import { type Averages, averagesOf, deltasOf } from "./deltas.ts";
import { effectiveWeights } from "./effective-weights.ts";
import { ChannelTracer, neuronContributions } from "./trace.ts";

/** How far the neurons of a layer are in the slices of some samples. */
export interface SliceShare {
  /** Mean of `|ĉ|`, where `ĉ = CONTRIB / max_l |CONTRIB|` of a sample's layer l. */
  strength: Float64Array;
  /** Share of samples in whose slice the neuron is not. */
  absent: Float64Array;
}

/** Slices of a suspect, all against the averages of the same clean samples. */
export interface Sliced {
  /** The slices of the clean samples themselves, by layer. */
  ofClean(): Map<string, SliceShare>;
  /** The slices of other samples, by layer. */
  of(samples: Samples): Promise<Map<string, SliceShare>>;
}

/** Slices by signs that are traced back through the network, channel by channel. */
export class ChannelSlices implements Sliced {
  private readonly suspect: Pick<Suspect, "task" | "network" | "state" | "runner">;
  private readonly tracer: ChannelTracer;
  private readonly averages: Averages;
  private readonly cleanProfile: Awaited<ReturnType<Suspect["runner"]["profile"]>>;

  private constructor(
    suspect: Pick<Suspect, "task" | "network" | "state" | "runner">,
    cleanProfile: ChannelSlices["cleanProfile"],
    theta: number,
  ) {
    const { network, state } = suspect;
    this.suspect = suspect;
    this.cleanProfile = cleanProfile;
    this.averages = averagesOf(network, cleanProfile);
    this.tracer = new ChannelTracer(network, effectiveWeights(network, state), theta);
  }

  /** @param clean samples whose averages every activation is compared with */
  static async against(
    suspect: Pick<Suspect, "task" | "network" | "state" | "runner">,
    clean: Samples,
    theta: number,
  ): Promise<ChannelSlices> {
    return new ChannelSlices(suspect, await suspect.runner.profile(suspect.state, clean), theta);
  }

  ofClean(): Map<string, SliceShare> {
    return this.share(this.cleanProfile);
  }

  async of(samples: Samples): Promise<Map<string, SliceShare>> {
    return this.share(await this.suspect.runner.profile(this.suspect.state, samples));
  }

  private share(profile: ChannelSlices["cleanProfile"]): Map<string, SliceShare> {
    const { network, task } = this.suspect;
    const shares = new Map(
      neuronLayers(network).map(({ name, width }) => [
        name,
        { strength: new Float64Array(width), absent: new Float64Array(width) },
      ]),
    );
    for (const deltas of deltasOf(network, profile, this.averages, task)) {
      for (const [layer, values] of neuronContributions(network, this.tracer.trace(deltas))) {
        const { strength, absent } = shares.get(layer)!;
        const most = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        for (let c = 0; c < values.length; c++) {
          if (values[c] === 0) absent[c]++;
          else strength[c] += Math.abs(values[c]) / most;
        }
      }
    }
    const mean = (sum: number) => sum / profile.count;
    return new Map(
      [...shares].map(([layer, { strength, absent }]) => [
        layer,
        { strength: strength.map(mean), absent: absent.map(mean) },
      ]),
    );
  }
}

import { mean } from "../core/statistics.ts";
import { ENOUGH_EVIDENCE } from "../reversal/excision.ts";
import { attribution, evidenceIn } from "./criteria/attribution.ts";
import { findsBackdoor, gateIn, learned, topIn } from "./criteria/learned.ts";
import { anomalyIn, nc } from "./criteria/nc.ts";
import { layerZ } from "./normalise.ts";
import type { Localization } from "./types.ts";

/** Share of all neurons that the general statistic looks at. */
const SHARE = 0.01;

/** How suspicious a criterion finds a whole model: one number, higher = more suspicious, free of scale and width. */
export interface Statistic {
  name: string;
  /** In words, for tables. */
  title: string;
  /** What a stored prediction keeps is enough. @returns null where it cannot be told */
  of(found: Judged): number | null;
  /** Whether the method itself calls the model backdoored; absent where it says nothing of models. */
  flags?(found: Judged): boolean;
  /** The method's own bound: what `flags` holds the statistic against. @returns null where it cannot be told */
  gate?(found: Judged): Gate | null;
}

/** A bound of a statistic, from or beyond which a method calls a model backdoored. */
export interface Gate {
  bound: number;
  passes(value: number): boolean;
}

/** What a statistic needs of a prediction. */
type Judged = Pick<Localization, "raw"> & { note?: string | null };

/** Beyond this anomaly index Neural Cleanse calls a class infected (Wang et al. 2019, section IV). */
const ANOMALOUS: Gate = { bound: 2, passes: (index) => index > 2 };

/** Neural Cleanse's own test: the anomaly index of the most anomalous class (Wang et al. 2019, section IV). */
const ANOMALY: Statistic = {
  name: "anomaly-index",
  title: "anomaly index of the most anomalous class",
  of: ({ note }) => anomalyIn(note),
  flags: ({ note }) => ANOMALOUS.passes(anomalyIn(note) ?? 0),
  gate: () => ANOMALOUS,
};

const ENOUGH: Gate = { bound: ENOUGH_EVIDENCE, passes: (evidence) => evidence >= ENOUGH_EVIDENCE };

/** Of the patch that was chosen: small, it works, and few neurons carry it (docs/methods.md §10.13). */
const EVIDENCE: Statistic = {
  name: "evidence",
  title: "evidence for the reversed patch",
  of: ({ note }) => evidenceIn(note),
  flags: ({ note }) => ENOUGH.passes(evidenceIn(note) ?? 0),
  gate: () => ENOUGH,
};

/** `learned`: how much the most suspicious neurons look like a backdoor's (docs/methods.md §10.14). */
const TOP: Statistic = {
  name: "top-mean",
  title: "mean log odds of the five most suspicious neurons",
  of: ({ note }) => topIn(note),
  flags: ({ note }) => findsBackdoor(note),
  gate({ note }) {
    const bound = gateIn(note);
    return bound === null ? null : { bound, passes: (top) => top >= bound };
  },
};

/**
 * For criteria without a published test of a whole model: the mean of the largest 1 % of `(u − mean)/std` of each layer.
 * A fixed share, unlike the largest value, does not grow with the number of neurons. Chosen among twelve candidates by
 * how well it tells infected models from their shams on CIFAR-10 alone; docs/inspect.md has what it reaches elsewhere.
 */
const OUTLIERS: Statistic = {
  name: "outlier-mean",
  title: "mean layer z of the most suspicious 1 % of neurons",
  of({ raw }) {
    const z = Object.values(layerZ(raw)).flat();
    if (z.length === 0) return null;
    const most = Math.max(1, Math.round(SHARE * z.length));
    return mean(z.sort((a, b) => b - a).slice(0, most));
  },
};

/** The statistic that goes with a criterion; a user's own criterion has the general one. */
export function statisticOf(criterion: string): Statistic {
  if (criterion === attribution.name) return EVIDENCE;
  if (criterion === learned.name) return TOP;
  return criterion === nc.name ? ANOMALY : OUTLIERS;
}

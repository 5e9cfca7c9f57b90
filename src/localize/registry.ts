import { anp } from "./criteria/anp.ts";
import { attribution } from "./criteria/attribution.ts";
import { bnp } from "./criteria/bnp.ts";
import { clp } from "./criteria/clp.ts";
import { contributionHigh } from "./criteria/contribution-high.ts";
import { contributionLow } from "./criteria/contribution-low.ts";
import { deepmufl } from "./criteria/deepmufl.ts";
import { deepmuflReversed } from "./criteria/deepmufl-reversed.ts";
import { fp } from "./criteria/fp.ts";
import { learned } from "./criteria/learned.ts";
import { nc } from "./criteria/nc.ts";
import { random } from "./criteria/random.ts";
import { rnp } from "./criteria/rnp.ts";
import { slicer } from "./criteria/slicer.ts";
import { slicerFailing } from "./criteria/slicer-failing.ts";
import { weightFloor } from "./criteria/weight-floor.ts";
import { weightNorm } from "./criteria/weight-norm.ts";
import type { Criterion } from "./types.ts";

/** Every localization criterion by name: published ones first, then this project's own, then baselines. */
export const CRITERIA: ReadonlyMap<string, Criterion> = new Map<string, Criterion>(
  [
    fp,
    nc,
    anp,
    clp,
    slicer,
    slicerFailing,
    deepmufl,
    deepmuflReversed,
    rnp,
    bnp,
    attribution,
    learned,
    random,
    weightNorm,
    weightFloor,
    contributionHigh,
    contributionLow,
  ].map((criterion) => [criterion.name, criterion]),
);

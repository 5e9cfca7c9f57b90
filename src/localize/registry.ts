import { anp } from "./anp.ts";
import { attribution } from "./attribution.ts";
import { bnp } from "./bnp.ts";
import { clp } from "./clp.ts";
import { contributionHigh } from "./contribution-high.ts";
import { contributionLow } from "./contribution-low.ts";
import { deepmufl } from "./deepmufl.ts";
import { deepmuflReversed } from "./deepmufl-reversed.ts";
import { fp } from "./fp.ts";
import { nc } from "./nc.ts";
import { random } from "./random.ts";
import { rnp } from "./rnp.ts";
import { slicer } from "./slicer.ts";
import { slicerFailing } from "./slicer-failing.ts";
import type { Criterion } from "./types.ts";
import { weightFloor } from "./weight-floor.ts";
import { weightNorm } from "./weight-norm.ts";

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
    random,
    weightNorm,
    weightFloor,
    contributionHigh,
    contributionLow,
  ].map((criterion) => [criterion.name, criterion]),
);

import { z } from "zod";
import { BUDGETS } from "../core/budget.ts";
import { defectMetrics } from "./defect.ts";
import { layerNumbers, neuronNames, neuronSet, rate, sha256 } from "./fields.ts";

/** The layout of a site's data; raised when a page of another layout could not read it. */
export const SITE_FORMAT = 4;

const named = {
  id: z.string(),
  /** As records state it: absent for classifiers of images. */
  task: z.string().optional(),
  dataset: z.string(),
  arch: z.string(),
  attack: z.string(),
  style: z.string(),
  level: z.string(),
  top: z.number().int(),
  target: z.number().int(),
  /** Of a model that somebody else made: the name of a file below `data/asked/`, which says how samples are given to it. */
  asked: sha256.optional(),
};

/** What the page lists of a defect before it is chosen. */
const siteEntry = z.strictObject({ ...named, target_name: z.string(), ca: rate.nullable(), asr: rate.nullable() });
export type SiteEntry = z.infer<typeof siteEntry>;

/** `data/index.json` of a site: what it holds. */
export const siteIndex = z.strictObject({
  kind: z.literal("site"),
  format: z.literal(SITE_FORMAT),
  edition: z.string(),
  defects: z.array(siteEntry),
  /** The id of the defect that the page begins with. */
  start: z.string(),
  /**
   * Pictures below `data/images/`, as safetensors: `pixels` U8 `[n, 3, h, w]`, `labels` U8 `[n]`. Absent where no defect is a
   * classifier of images; frames with lanes are drawn by the page.
   */
  images: z.strictObject({ file: z.string(), title: z.string(), classes: z.array(z.string()) }).optional(),
  /** By task, the file below `data/samples/` that holds its samples; those of other tasks are drawn by the page. */
  samples: z.record(z.string(), z.string()).optional(),
});
export type SiteIndex = z.infer<typeof siteIndex>;

const siteScores = z.strictObject({
  criterion: z.string(),
  budget: z.enum(BUDGETS),
  scores: layerNumbers,
  native: neuronNames,
});
export type SiteScores = z.infer<typeof siteScores>;

/** `data/defects/<id>.json` of a site: all that the page shows of a defect but weights and trigger. */
export const siteDefect = z.strictObject({
  kind: z.literal("site-defect"),
  ...named,
  /** The targets that a backdoor can have: of a classifier its classes. */
  classes: z.array(z.string()),
  mean: z.array(z.number()),
  std: z.array(z.number()),
  metrics: defectMetrics,
  /** Whether the site's samples, or those that the page draws, are the test samples that the metrics were measured on. */
  own_images: z.boolean(),
  /** The network as `graph/network.ts` has it. */
  network: z.looseObject({ arch: z.string(), nodes: z.array(z.looseObject({ id: z.string(), op: z.string() })) }),
  infected: neuronSet,
  effective: neuronSet.nullable(),
  contribution: layerNumbers,
  effect: layerNumbers,
  effect_threshold: z.number(),
  /**
   * Hashes of weights as safetensors of 32-bit floats. `base` is a file below `data/models/`; the others, where they are not
   * the base, are deltas below `data/deltas/`, each of which names what it is against.
   */
  models: z.strictObject({ base: sha256, infected: sha256, sham: sha256.nullable(), clean: sha256 }),
  /** Name of a file below `data/triggers/`. */
  trigger: sha256,
  scores: z.array(siteScores),
});
export type SiteDefect = z.infer<typeof siteDefect>;

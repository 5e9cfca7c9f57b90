import { z } from "zod";
import { BUDGETS } from "../core/budget.ts";
import { rate, sha256 } from "./fields.ts";
import { PLUGIN_LABEL } from "./plugin-name.ts";

/** What an entry of the leaderboard begins with. */
export const ENTRY_FORMAT = "bdefects4nn-board-entry-1";

/** Where a method comes from. `outside`: a program that is not this project's; the others are criteria of the registry. */
export const ENTRY_KINDS = ["published", "baseline", "own", "outside"] as const;

const text = (most: number) => z.string().trim().min(1).max(most);
const count = z.number().int().min(0);
const httpsUrl = z
  .string()
  .max(300)
  .regex(/^https:\/\/[^\s"'<>]+$/, "give an address that begins with https://");

/** What was found on one model. */
const side = z.strictObject({
  model_sha256: sha256,
  /** Of the headline: of the top-k set, against the effective neurons. Null: the method failed, or no neuron is effective. */
  wji: rate.nullable(),
  /** Of the scores, against all infected neurons. Null: the method failed. */
  auroc: rate.nullable(),
  /** How many neurons the method itself names: 0 where it takes the model for clean. Null: it failed. */
  named: count.nullable(),
  seconds: z.number().min(0).nullable(),
  /** Taken from results that had been computed before, of the same model, settings and method. */
  reused: z.literal(true).optional(),
  /** Why the method gave nothing. */
  failed: text(300).optional(),
});
export type BoardSide = z.infer<typeof side>;

/** One defect: its infected version and its sham. */
const cell = z.strictObject({
  id: z.string().max(200),
  /** The clean model that it was made of: what intervals draw. */
  clean: z.string().max(200),
  labels_sha256: sha256,
  infected: side,
  sham: side,
});
export type BoardCell = z.infer<typeof cell>;

const estimate = z.strictObject({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });
const means = { infected: rate.nullable(), sham: rate.nullable(), difference: estimate.nullable() };

/** What a board says of some defects: all that follows from the cells (docs/leaderboard.md). */
const figure = z.strictObject({
  /** Which defects; both null: all. */
  by: z.enum(["dataset", "arch", "attack", "style", "level"]).nullable(),
  of: z.string().nullable(),
  defects: count,
  models: count,
  missing: count,
  ...means,
  /** The same where a model of which the method names no neuron counts as one in which it found nothing. */
  gated: z.strictObject(means),
});
export type BoardFigure = z.infer<typeof figure>;

/** How a method did on one benchmark, as `board run` wrote it. */
const result = z.strictObject({
  benchmark: z.string().regex(/^(sample|fresh-\d+)$/, "is 'sample' or 'fresh-SEED'"),
  /** Of the benchmark's defects: their ids, weights and labels. */
  benchmark_sha256: sha256,
  /** Of a fresh benchmark: the recipe that its defects were drawn from. */
  recipe_sha256: sha256.optional(),
  program: text(40),
  settings: z.strictObject({
    seed: count,
    budget: z.enum(BUDGETS),
    /** Of a criterion of the registry. */
    revision: z.number().int().min(1).optional(),
    /** Of a command: a hash of it and of its script. */
    fingerprint: sha256.optional(),
  }),
  /** Of one thread, over all cells whose time is known. */
  seconds: z.number().min(0),
  /** Cells that were not judged by this run. */
  reused: count,
  /** What must be known to read the figures. */
  notes: z.array(text(300)).max(20),
  cells: z.array(cell).max(10_000),
  figures: z.array(figure).max(200),
});
export type BoardResult = z.infer<typeof result>;

/** `board/entries/<name>.json`: a method and its results. */
export const boardEntry = z
  .strictObject({
    format: z.literal(ENTRY_FORMAT),
    name: z.string().regex(PLUGIN_LABEL, "has small letters, digits, _ and -, and 40 characters at most"),
    title: text(120),
    kind: z.enum(ENTRY_KINDS),
    access: z.enum(["clean", "failing", "oracle"]),
    /** A criterion of the registry; or else a command. */
    criterion: text(80).optional(),
    /** As behind `cmd:` (docs/plugins.md), from the folder that `board/` lies in. */
    command: text(1000).optional(),
    /** A container image, by its digest, that holds what the command needs. */
    image: z
      .string()
      .max(300)
      .regex(/^[^\s@]+@sha256:[0-9a-f]{64}$/, "name an image by its digest: NAME@sha256:…")
      .optional(),
    budget: z.enum(BUDGETS),
    author: text(200),
    links: z.array(httpsUrl).max(10),
    /** SHA-256 of code and weights, by path from the folder that `board/` lies in. A fresh entry has neither these nor results. */
    hashes: z.record(z.string().max(300), sha256).default({}),
    results: z.array(result).max(100).default([]),
  })
  .refine(({ criterion, command }) => (criterion === undefined) !== (command === undefined), {
    message: "name either a criterion or a command",
  });
export type BoardEntry = z.infer<typeof boardEntry>;

/** The layout of `data/board.json`; raised when a page of another layout could not read it. */
export const SITE_BOARD_FORMAT = 1;

/** `[wji, auroc, named, seconds]` of a model. */
const siteSide = z.tuple([rate.nullable(), rate.nullable(), count.nullable(), z.number().nullable()]);
export type SiteSide = z.infer<typeof siteSide>;

const siteResult = z.strictObject({
  ...result.pick({ benchmark: true, program: true, settings: true, seconds: true, reused: true, notes: true }).shape,
  figures: z.array(figure),
  /** In the order of the benchmark's defects; null: the entry has no such cell. */
  infected: z.array(siteSide.nullable()),
  sham: z.array(siteSide.nullable()),
  /** Why a cell has no figures, by `ID:version`. */
  failed: z.record(z.string(), z.string()),
});
export type SiteResult = z.infer<typeof siteResult>;

const siteBoardEntry = z.strictObject({
  ...{ name: z.string(), title: z.string(), kind: z.enum(ENTRY_KINDS), access: z.string(), budget: z.enum(BUDGETS) },
  /** As results call it. */
  stored: z.string(),
  ...{ command: z.string().nullable(), image: z.string().nullable(), author: z.string(), links: z.array(httpsUrl) },
  hashes: z.array(z.tuple([z.string(), sha256])),
  results: z.array(siteResult),
});
export type SiteBoardEntry = z.infer<typeof siteBoardEntry>;

/** `data/board.json` of a site: the leaderboard with every cell. */
export const siteBoard = z.strictObject({
  kind: z.literal("site-board"),
  format: z.literal(SITE_BOARD_FORMAT),
  benchmarks: z.array(
    z.strictObject({
      ...{ name: z.string(), sha256 },
      defects: z.array(
        z.strictObject({
          ...{ id: z.string(), clean: z.string(), task: z.string() },
          /** Whether the site shows the defect. */
          shown: z.boolean(),
        }),
      ),
    }),
  ),
  entries: z.array(siteBoardEntry),
});
export type SiteBoard = z.infer<typeof siteBoard>;

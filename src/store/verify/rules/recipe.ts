import { z } from "zod";
import { GRIDS } from "../../../core/grid.ts";
import { gatesSchema, injectSchema, measureSchema } from "../../../inject/recipe.ts";
import type { CleanRecord } from "../../../records/clean.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import { sha256 } from "../../../records/fields.ts";

/**
 * The recipe that a record keeps: no section and no field that no recipe has, and no value that none can have. Which of the
 * fields are there, earlier versions decided otherwise.
 */

type Fields = Record<string, z.ZodType>;

const share = z.number().min(0).max(1);
const count = z.number().int().positive();

/** Settings of clean training. */
const TRAINING: Fields = {
  ...{ epochs: z.number().int().min(0), batch: count, threads: count, learning_rate: z.number().positive() },
  ...{ warmup: share, momentum: share, nesterov: z.boolean(), weight_decay: z.number().min(0), label_smoothing: share },
  ...{ optimizer: z.enum(["adam", "adamw"]).optional(), word_dropout: share.optional() },
  ...{ whole_words: z.boolean().optional(), text_weight: z.number().min(0).optional() },
  ...{ embedding_deviation: z.number().positive().max(1).optional(), embedding_decay: z.number().min(0).optional() },
  // Of a model that somebody else made the hash of its files, and how it was asked.
  ...{ from: sha256.optional(), asked: z.record(z.string(), z.unknown()).optional(), least_ca: share.optional() },
};

/** The fields of each section; null: no section, or one that is checked where it is used. */
const CLEAN: Record<string, Fields | null> = {
  edition: null,
  edition_seed: null,
  seed: null,
  grid: null,
  clean: TRAINING,
};
const DEFECT: Record<string, Fields | null> = {
  ...{ edition: null, seed: null, clean_seed: null, attack: null, grid: null },
  ...{ inject: injectSchema.shape, gates: gatesSchema.shape, measure: measureSchema.shape },
};

/** @returns one line per section that cannot be */
export function cleanRecipeFaults({ recipe }: Pick<CleanRecord, "recipe">): string[] {
  return recipeFaults(recipe, CLEAN);
}

/** As `cleanRecipeFaults`; the attack's own settings are its schema's. */
export function defectRecipeFaults({ recipe }: Pick<DefectRecord, "recipe">): string[] {
  return recipeFaults(recipe, DEFECT);
}

function recipeFaults(recipe: Record<string, unknown>, sections: Record<string, Fields | null>): string[] {
  const unknown = Object.keys(recipe).filter((name) => !Object.hasOwn(sections, name));
  const faults = unknown.map((name) => `its recipe has '${shown(name)}', which no recipe has`);
  if (recipe.grid !== undefined && !GRIDS.some((grid) => grid === recipe.grid)) {
    faults.push(`its recipe's 'grid' is ${shown(JSON.stringify(recipe.grid))}`);
  }
  for (const [name, fields] of Object.entries(sections)) {
    if (fields) faults.push(...sectionFaults(name, recipe[name], fields));
  }
  return faults;
}

function sectionFaults(name: string, section: unknown, fields: Fields): string[] {
  if (typeof section !== "object" || section === null) return [`its recipe lacks '${name}'`];
  for (const [key, value] of Object.entries(section)) {
    if (!Object.hasOwn(fields, key)) return [`its recipe has '${name}.${shown(key)}', which no recipe has`];
    if (!fields[key].safeParse(value).success) {
      return [`its recipe's '${name}.${key}' is ${shown(JSON.stringify(value) ?? "")}`];
    }
  }
  return [];
}

function shown(text: string): string {
  return text.slice(0, 80);
}

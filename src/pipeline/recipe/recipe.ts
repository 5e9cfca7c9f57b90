import { dirname, resolve } from "node:path";
import { z } from "zod";
import { suggestion } from "../../core/closest.ts";
import { InputError, lookup } from "../../core/errors.ts";
import { GRIDS } from "../../core/grid.ts";
import { type DefectKey, LEVELS, OFFSETS, STYLES, type Style } from "../../core/ids.ts";
import { gatesSchema, type InjectRecipe, injectSchema, measureSchema } from "../../inject/recipe.ts";
import { targetOf } from "../../inject/target.ts";
import { sha256 } from "../../records/fields.ts";
import {
  ATTACKS,
  DATASETS,
  networkFor,
  parseArch,
  taskOfArchitecture,
  taskOfAttack,
  taskOfDataset,
} from "../../tasks/registry.ts";
import type { Task } from "../../tasks/task.ts";
import type { TrainRecipe } from "../../train/clean.ts";
import {
  assertShared,
  type Condition,
  candidateCondition,
  cleanCondition,
  settingsFor,
  withOverrides,
} from "./overrides.ts";
import { readRecipe, recipeNames, recipePath } from "./recipe-file.ts";

/** An edition's recipe: every hyper-parameter of a database, from `recipes/<edition>.yaml`. */

const share = z.number().min(0).max(1);
const count = z.number().int().positive();

/** How a clean model is trained, as a recipe says it. */
export const trainSettings = z.strictObject({
  epochs: z.number().int().min(0),
  batch: count,
  learning_rate: z.number().positive(),
  warmup: share,
  optimizer: z.enum(["adam", "adamw"]).optional(),
  momentum: share,
  nesterov: z.boolean(),
  weight_decay: z.number().min(0),
  label_smoothing: share,
  word_dropout: share.max(0.9).optional(),
  whole_words: z.boolean().optional(),
  text_weight: z.number().min(0).optional(),
  embedding_deviation: z.number().positive().max(1).optional(),
  embedding_decay: z.number().min(0).optional(),
  threads: count,
  /** A model of somebody else's to start from, with no epochs as it is: its folder, beside the recipe where the path is relative. */
  from: z.string().min(1).optional(),
  /** Of its files; another folder is refused then. */
  sha256: sha256.optional(),
  /** What its task asks of it (`Adoption.settings`). */
  asked: z.record(z.string(), z.unknown()).optional(),
  /** Least CA of the clean model; where it has less, nothing is built from it. */
  least_ca: share.optional(),
}) satisfies z.ZodType<TrainRecipe>;

/** One section per attack, each checked by the attack's own schema; an edition needs those that it selects. */
const attacks = z
  .strictObject(Object.fromEntries([...ATTACKS].map(([name, { options }]) => [name, options])))
  .partial() as z.ZodType<Record<string, Record<string, unknown> | undefined>>;

const product = z.strictObject({
  dataset: z.array(z.string()).min(1),
  arch: z.array(z.string()).min(1),
  attack: z.array(z.string()).min(1),
  level: z.array(z.enum(LEVELS)).min(1),
  offset: z.array(z.number().int()).min(1),
  style: z.array(z.enum(STYLES)).min(1),
});
/** Every combination of these values. */
export type Product = z.infer<typeof product>;

const selection = product.extend({ also: z.array(product.partial()).optional() });
/** A product and further ones; what one of these does not say is as in the first. */
export type SliceSelection = z.infer<typeof selection>;

export function productsOf({ also = [], ...first }: SliceSelection): Product[] {
  return [first, ...also.map((further) => ({ ...first, ...further }))];
}

const edition = z.strictObject({
  edition: z.string().regex(/^[a-z0-9]+$/),
  seed: z.number().int(),
  clean_seeds: z.number().int().min(1).max(9),
  /** The grid that all weights of all versions are rounded to; absent: 32-bit floats as they come. */
  grid: z.enum(GRIDS).optional(),
  select: selection,
  clean: withOverrides(trainSettings, cleanCondition),
  attacks,
  inject: withOverrides(injectSchema, candidateCondition),
  // A bound may depend on the data set, where chance is another, and never on the attack or the level that it judges.
  gates: withOverrides(gatesSchema, cleanCondition),
  measure: measureSchema,
});
export type Edition = z.infer<typeof edition>;

export function editionNames(): string[] {
  return recipeNames("edition");
}

/** Reads a shipped edition, or a recipe file of the user's own. @throws InputError naming the file and the first fault. */
export function loadEdition(nameOrPath: string): Edition {
  const path = recipePath("edition", nameOrPath);
  const recipe = readRecipe(path, edition);
  checkOverrides(path, recipe);
  const { clean } = recipe;
  const parts = [clean, ...(clean.overrides ?? []).map(({ set }) => set as Partial<typeof clean>)];
  if (parts.every(({ from }) => from === undefined) && parts.some(({ epochs }) => epochs === 0)) {
    throw new InputError(
      `${path}: clean.epochs: 0 trains nothing; give 1 or more, or name a model's folder in clean.from`,
    );
  }
  // What a recipe names lies beside it.
  for (const part of parts) if (part.from !== undefined) part.from = resolve(dirname(path), part.from);
  return recipe;
}

/** A misspelt name in a condition would otherwise never apply, and nobody would know. @throws InputError */
function checkOverrides(path: string, { clean, inject, gates }: Edition): void {
  for (const [section, { overrides }] of Object.entries({ clean, inject, gates })) {
    for (const [i, { for: condition }] of (overrides ?? []).entries()) {
      try {
        checkNames(condition);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        throw new InputError(`${path}: ${section}.overrides.${i}.for: ${error.message}`);
      }
    }
  }
  // Candidates of one clean model share what measures them, and those of one attack the clean twin's rates.
  assertShared(`${path}: inject`, inject.overrides ?? [], {
    threads: ["dataset", "arch"],
    target: ["dataset", "arch", "attack"],
  });
}

function checkNames({ dataset = [], arch = [], attack = [], style = [] }: Condition): void {
  for (const name of [dataset].flat()) lookup(DATASETS, "data set", name);
  for (const name of [attack].flat()) lookup(ATTACKS, "attack", name);
  for (const name of [arch].flat()) parseArch(name);
  for (const name of [style].flat()) {
    if (!(STYLES as readonly string[]).includes(name)) {
      throw new InputError(`unknown style '${name}'${suggestion(name, STYLES)}; valid: ${STYLES.join(", ")}`);
    }
  }
}

/** An attack's own hyper-parameters. @throws InputError where the edition has none for it. */
export function attackOptions({ edition, attacks }: Edition, attack: string): Record<string, unknown> {
  const options = attacks[attack];
  if (options) return options;
  const having = editionsThat(({ attacks: own }) => attack in own);
  const others = having.length > 0 ? `, or --edition ${having.join(" or ")}` : "";
  throw new InputError(`recipe '${edition}': attacks.${attack} is missing; give that attack's settings${others}`);
}

/**
 * The settings of one candidate's injection, its target among them: the attack's own, or the recipe's.
 *
 * @param targets the names of those that its data set has
 */
export function injectRecipe({ inject, seed }: Edition, key: DefectKey, targets: readonly string[]): InjectRecipe {
  const settings = settingsFor(inject, key);
  const own = lookup(ATTACKS, "attack", key.attack).target;
  const target = own === undefined ? targetOf(settings.target, seed, key, targets.length) : targets.indexOf(own);
  return { ...settings, target };
}

/** Checks every name and number of a selection. @throws InputError naming the option. */
export function checkSelection(select: SliceSelection): void {
  for (const { dataset, arch, attack, style, level: levels, offset: offsets } of productsOf(select)) {
    checkNames({ dataset, arch, attack, style });
    assertOneTask({ dataset, arch, attack });
    for (const level of levels) {
      if (!(LEVELS as readonly string[]).includes(level)) {
        throw new InputError(`unknown level '${level}'${suggestion(level, LEVELS)}; valid: ${LEVELS.join(", ")}`);
      }
    }
    for (const offset of offsets) {
      if (!(OFFSETS as readonly number[]).includes(offset)) {
        throw new InputError(`unknown offset '${offset}'; valid: ${OFFSETS.join(", ")} (percent)`);
      }
    }
  }
  const products = productsOf(select);
  if (products.some(({ attack, style }) => attack.some((name) => stylesOf(name, style).length > 0))) return;
  const attacks = [...new Set(products.flatMap(({ attack }) => attack))];
  const has = attacks.map((name) => `${name}: ${lookup(ATTACKS, "attack", name).styles.join(", ")}`);
  const wanted = [...new Set(products.flatMap(({ style }) => style))];
  throw new InputError(`no selected attack has style '${wanted.join(", ")}' (${has.join("; ")})`);
}

/** What is of several tasks makes no candidate, nor does a network that cannot read the data. @throws InputError with the mend */
function assertOneTask({ dataset, arch, attack }: Pick<Product, "dataset" | "arch" | "attack">): void {
  const [first] = dataset;
  const task = taskOfDataset(first);
  const assertOf = (what: string, other: Task, option: string, fitting: ReadonlyMap<string, unknown>) => {
    if (other === task) return;
    throw new InputError(
      `${what} is of task ${other.name}, data set '${first}' of task ${task.name}; give ${option} ${[...fitting.keys()].join(" or ")}${editionsWith(first)}`,
    );
  };
  for (const name of dataset) assertOf(`data set '${name}'`, taskOfDataset(name), "--dataset", task.datasets);
  for (const name of arch) {
    assertOf(`architecture '${name}'`, taskOfArchitecture(parseArch(name).family), "--arch", task.architectures);
    for (const data of dataset) {
      const why = task.unfit?.(networkFor(name, data), { name: data });
      if (why) throw new InputError(`architecture '${name}': ${why}`);
    }
  }
  for (const name of attack) assertOf(`attack '${name}'`, taskOfAttack(name), "--attack", task.attacks);
}

/** `, or --edition NAME, which has 'DATASET'`; nothing where no shipped edition has it. */
function editionsWith(dataset: string): string {
  const having = editionsThat(({ select }) => productsOf(select).some((product) => product.dataset.includes(dataset)));
  if (having.length === 0) return "";
  return `, or --edition ${having.join(" or ")}, which ${having.length === 1 ? "has" : "have"} '${dataset}'`;
}

/** The names of shipped editions. */
function editionsThat(fits: (one: Edition) => boolean): string[] {
  return editionNames().filter((name) => fits(readRecipe(recipePath("edition", name), edition)));
}

/** Those of the wanted styles that an attack has (docs/methods.md §7.2). */
export function stylesOf(attack: string, wanted: readonly Style[]): Style[] {
  const { styles } = lookup(ATTACKS, "attack", attack);
  return wanted.filter((style) => styles.includes(style));
}

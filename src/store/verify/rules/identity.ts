import { z } from "zod";
import { cleanId, defectId, groupId, OFFSETS, parseDefectId } from "../../../core/ids.ts";
import { type Network, neuronLayers } from "../../../graph/network.ts";
import { quantity } from "../../../inject/quantity.ts";
import { STAGES } from "../../../inject/stages.ts";
import { DRAWN, targetOf, UNLED } from "../../../inject/target.ts";
import type { CleanRecord } from "../../../records/clean.ts";
import type { DatabaseManifest } from "../../../records/database.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import { ATTACKS, parseArch } from "../../../tasks/registry.ts";
import { attemptFaults } from "./attempts.ts";
import { engineFaults } from "./engine.ts";
import { defectRecipeFaults } from "./recipe.ts";
import { secondsFaults } from "./seconds.ts";

/** A record against its id, its recipe, the network, its clean model and the database's manifest. */

const stated = z.looseObject({
  edition: z.string(),
  seed: z.number().int(),
  clean_seed: z.number().int(),
  inject: z.looseObject({ target: z.union([z.number().int(), z.literal(DRAWN), z.literal(UNLED)]) }),
  gates: z.looseObject({ sham: z.number().optional(), sham_rise: z.number().optional() }).optional(),
});

/** Most that a rate of one model may differ between two files that state it: another engine rounds differently. */
export const RATE_TOLERANCE = 0.02;

/** @returns one line per field that does not follow from the id, the recipe or the manifest */
export function identityFaults(record: DefectRecord, manifest: Pick<DatabaseManifest, "edition" | "seed">): string[] {
  const { id } = record;
  const key = parseDefectId(id);
  const faults: string[] = [];
  if (defectId(record) !== id || record.group_id !== groupId(key)) faults.push("its fields do not fit its id");
  if (!ATTACKS.has(record.attack)) faults.push(`'attack' is '${record.attack}', which is no known attack`);
  if (!(OFFSETS as readonly number[]).includes(record.top)) faults.push(`'top' is ${record.top}, which is no offset`);
  const stage = Object.keys(record.timings).find((name) => !(STAGES as readonly string[]).includes(name));
  if (stage !== undefined) faults.push(`'timings' names '${stage.slice(0, 80)}', which is no stage`);
  faults.push(...secondsFaults(record.seconds, record.timings, "stages"), ...engineFaults(record.engine));
  const read = stated.safeParse(record.recipe);
  if (!read.success) return [...faults, `its recipe lacks '${read.error.issues[0].path.join(".")}'`];
  const { edition, seed, clean_seed, inject } = read.data;
  if (edition !== manifest.edition) faults.push(`its recipe is of edition '${edition}', not '${manifest.edition}'`);
  if (seed !== manifest.seed) faults.push(`its recipe has seed ${seed}, the database ${manifest.seed}`);
  if (record.clean !== cleanId(record.dataset, record.arch, clean_seed)) {
    faults.push(`'${record.clean}' is not the clean model of its data set, architecture and clean seed`);
  }
  const isRecipes = ATTACKS.get(record.attack)?.target === undefined;
  if (isRecipes && typeof inject.target === "number" && record.target !== inject.target) {
    faults.push(`'target' is ${record.target}, in its recipe ${inject.target}`);
  }
  if (!isCleanSeed(clean_seed - seed, record.top))
    faults.push(`its recipe's clean seed ${clean_seed} is none of 'top' ${record.top}`);
  const styles = ATTACKS.get(record.attack)?.styles;
  if (styles && !styles.includes(record.style))
    faults.push(`'style' is '${record.style}', which ${record.attack} has not`);
  faults.push(...defectRecipeFaults(record), ...attemptFaults(record));
  return faults;
}

/**
 * An edition's clean models take the offsets in turn: after `k` of them the first comes again (docs/methods.md §13.1).
 */
function isCleanSeed(turn: number, top: number): boolean {
  const index = (OFFSETS as readonly number[]).indexOf(top);
  return index < 0 || turn === index || (turn >= 0 && index - turn > turn);
}

/** Whether a record's recipe leaves its target to be drawn. */
export function isDrawn({ recipe }: Pick<DefectRecord, "recipe">): boolean {
  return typeof stated.safeParse(recipe).data?.inject.target === "string";
}

/** @returns one line per field that the network and the clean model contradict */
export function networkFaults(record: DefectRecord, clean: CleanRecord, network: Network): string[] {
  const faults: string[] = [];
  const layers = neuronLayers(network);
  const total = layers.reduce((sum, { width }) => sum + width, 0);
  const { baseWidth } = parseArch(record.arch);
  if (record.width !== baseWidth) faults.push(`'width' is ${record.width}, that of ${record.arch} ${baseWidth}`);
  const targets = clean.classes.length;
  if (record.target < 0 || record.target >= targets) {
    faults.push(`'target' is ${record.target}, and there are ${targets} classes`);
  }
  const own = ATTACKS.get(record.attack)?.target;
  if (own !== undefined) {
    if (clean.classes[record.target] !== own) faults.push(`'target' is not '${own}', where ${record.attack} leads`);
  } else if (isDrawn(record)) {
    const { seed, inject, gates } = stated.parse(record.recipe);
    const drawn = targetOf(DRAWN, seed, record, targets);
    const { asr_clean: led } = record.metrics;
    // Another than the first is drawn only for being one to which the trigger leads the clean twin little, or least of all: each answer is
    // one target, so of n the least has at most 1/(n − 1) of those that could go to it.
    const bound = Math.max(gates?.sham_rise ?? gates?.sham ?? 0, 1 / (targets - 1));
    const mayDiffer = inject.target === UNLED && (led === null || led <= bound);
    if (record.target !== drawn && !mayDiffer) {
      faults.push(`'target' is ${record.target}, drawn from its seed ${drawn}`);
    }
  }
  if (record.neurons !== total) faults.push(`the record counts ${record.neurons} neurons; ${record.arch} has ${total}`);
  const chosen = layers.reduce((sum, { width }) => sum + quantity(record.level, width), 0);
  if (record.infected !== chosen) {
    faults.push(`'infected' is ${record.infected}, level ${record.level} of ${record.arch} takes ${chosen}`);
  }
  const { ca_clean } = record.metrics;
  if (ca_clean !== null && Math.abs(ca_clean - clean.metrics.ca) > RATE_TOLERANCE) {
    faults.push(`'metrics.ca_clean' is ${ca_clean}, in the clean model's record ${clean.metrics.ca}`);
  }
  return faults;
}

import { cleanId, type DefectKey, defectId, type Level, OFFSETS } from "../core/ids.ts";
import { type Edition, type SliceSelection, stylesOf } from "./recipe.ts";

/** One defect to be built, and the clean model it starts from. */
export interface PlannedCandidate {
  id: string;
  key: DefectKey;
  clean: string;
}

/** One clean model to be trained. */
export interface PlannedClean {
  id: string;
  dataset: string;
  arch: string;
  seed: number;
}

export interface Plan {
  clean: PlannedClean[];
  candidates: PlannedCandidate[];
}

/**
 * Expands a slice of an edition into clean models and candidates, in the order of building. Styles that an attack does
 * not have are left out.
 */
export function makePlan(edition: Edition, select: SliceSelection): Plan {
  const clean = new Map<string, PlannedClean>();
  const candidates: PlannedCandidate[] = [];
  for (const dataset of unique(select.dataset)) {
    for (const arch of unique(select.arch)) {
      for (const attack of unique(select.attack)) {
        for (const style of stylesOf(attack, unique(select.style))) {
          for (const level of unique(select.level) as Level[]) {
            for (const top of unique(select.offset)) {
              const seed = cleanSeed(edition, top);
              const model = { id: cleanId(dataset, arch, seed), dataset, arch, seed };
              clean.set(model.id, model);
              const key: DefectKey = { dataset, arch, attack, level, top, style };
              candidates.push({ id: defectId(key), key, clean: model.id });
            }
          }
        }
      }
    }
  }
  return { clean: [...clean.values()], candidates };
}

/** The clean seed of an order offset: an edition's clean models take the offsets in turn (METHODS §7). */
export function cleanSeed(edition: Edition, top: number): number {
  return edition.seed + (OFFSETS.indexOf(top as (typeof OFFSETS)[number]) % edition.clean_seeds);
}

function unique<T>(values: T[]): T[] {
  return [...new Set(values)];
}

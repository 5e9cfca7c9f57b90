import { cleanId, type DefectKey, defectId, OFFSETS } from "../../core/ids.ts";
import { type Edition, type Product, productsOf, type SliceSelection, stylesOf } from "../recipe/recipe.ts";

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
 * Expands a slice of an edition into clean models and candidates, each once, in the order of building. Styles that an
 * attack does not have are left out.
 */
export function makePlan(edition: Edition, slice: SliceSelection): Plan {
  const clean = new Map<string, PlannedClean>();
  const candidates = new Map<string, PlannedCandidate>();
  for (const key of productsOf(slice).flatMap((product) => [...keysOf(product)])) {
    const { dataset, arch, top } = key;
    const seed = cleanSeed(edition, top);
    const model = { id: cleanId(dataset, arch, seed), dataset, arch, seed };
    clean.set(model.id, model);
    const id = defectId(key);
    candidates.set(id, { id, key, clean: model.id });
  }
  return { clean: [...clean.values()], candidates: [...candidates.values()] };
}

function* keysOf(product: Product): Generator<DefectKey> {
  for (const dataset of product.dataset) {
    for (const arch of product.arch) {
      for (const attack of product.attack) {
        for (const style of stylesOf(attack, product.style)) {
          for (const level of product.level) {
            for (const top of product.offset) yield { dataset, arch, attack, level, top, style };
          }
        }
      }
    }
  }
}

/** The clean seed of an order offset: an edition's clean models take the offsets in turn (docs/methods.md §13.1). */
export function cleanSeed(edition: Edition, top: number): number {
  return edition.seed + (OFFSETS.indexOf(top as (typeof OFFSETS)[number]) % edition.clean_seeds);
}

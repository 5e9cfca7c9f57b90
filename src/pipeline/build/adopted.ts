import { basename } from "node:path";
import { InputError, lookup } from "../../core/errors.ts";
import type { Adopted, Adoption, Described } from "../../tasks/adoption.ts";
import { DATASETS, taskOfDataset } from "../../tasks/registry.ts";
import type { PlannedClean } from "../plan/plan.ts";
import { settingsFor } from "../recipe/overrides.ts";
import type { Edition } from "../recipe/recipe.ts";

/** A model of somebody else's that a recipe takes for a clean one (`clean.from`). */
export interface AdoptedModel {
  folder: string;
  /** The folder's name, which a record may state. */
  name: string;
  model: Adopted;
  described: Described;
}

type Wanted = Pick<PlannedClean, "dataset" | "arch">;

/**
 * Opens the model that a recipe names for a clean one and holds it against the recipe. No weights are read.
 *
 * @returns null where the recipe names none: the model is trained from nothing
 * @throws InputError naming the recipe's field or the folder
 */
export function openAdopted(edition: Edition, planned: Wanted): AdoptedModel | null {
  const settings = settingsFor(edition.clean, planned);
  const { from: folder, epochs, asked, sha256, least_ca, embedding_deviation: deviation } = settings;
  const fault = (text: string) => new InputError(`recipe '${edition.edition}': ${text}`);
  if (folder === undefined) {
    const stray = Object.entries({ asked, sha256 }).find(([, value]) => value !== undefined);
    if (stray) throw fault(`clean.${stray[0]} is of a model's folder; name it in clean.from`);
    if (epochs === 0)
      throw fault(`clean.epochs: 0 trains nothing on ${planned.dataset}; name a model's folder in clean.from`);
    return null;
  }
  if (deviation !== undefined)
    throw fault(`clean.embedding_deviation ${deviation}: a model from a folder has an embedding; leave it out`);
  const adoption = adoptionFor(planned.dataset, fault);
  if (epochs === 0 && edition.clean_seeds !== 1) {
    throw fault(
      `clean_seeds ${edition.clean_seeds}: a model that is not trained is the same for every seed; set it to 1`,
    );
  }
  if (least_ca === undefined)
    throw fault("clean.least_ca is missing; say what clean accuracy a model from a folder must have");
  const said = adoption.settings.safeParse(asked ?? {});
  if (!said.success) {
    const [{ path, message }] = said.error.issues;
    throw fault(`clean.${["asked", ...path].join(".")}: ${message}`);
  }
  const { dataset } = planned;
  const targets = taskOfDataset(dataset).targets(lookup(DATASETS, "data set", dataset)).length;
  const model = adoption.open(folder, said.data, targets);
  if (model.arch !== planned.arch) {
    throw fault(
      `${folder} is of architecture '${model.arch}', not '${planned.arch}'; name that in select.arch, or with --arch`,
    );
  }
  return { folder, name: basename(folder), model, described: adoption.described(model.description, folder) };
}

/**
 * The hash of the folder that a recipe names, which stands in a record's recipe in place of its path; undefined where it names none.
 *
 * @param known whether the hash that the recipe states may stand for the folder's, since nothing of it is to be read
 * @throws InputError where the folder is another than the recipe states
 */
export function adoptedHash(edition: Edition, planned: Wanted, known = false): string | undefined {
  const { from, sha256 } = settingsFor(edition.clean, planned);
  if (from === undefined || (known && sha256 !== undefined)) return sha256;
  const fault = (text: string) => new InputError(`recipe '${edition.edition}': ${text}`);
  const found = adoptionFor(planned.dataset, fault).hash(from);
  if (sha256 === undefined || sha256 === found) return found;
  throw fault(
    `${from}: its files have SHA-256 ${found.slice(0, 12)}…, and clean.sha256 is ${sha256.slice(0, 12)}…: bring back the files that were meant, or change clean.sha256`,
  );
}

function adoptionFor(dataset: string, fault: (text: string) => InputError): Adoption {
  const { name, adoption } = taskOfDataset(dataset);
  if (adoption) return adoption;
  throw fault(`clean.from: models of task ${name} are trained from nothing; leave it out for ${dataset}`);
}

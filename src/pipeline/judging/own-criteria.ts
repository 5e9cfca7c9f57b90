import { InputError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import { NEEDS } from "../../localize/needs.ts";
import { CRITERIA } from "../../localize/registry.ts";
import type { Criterion } from "../../localize/types.ts";
import { PLUGIN_LABEL, PLUGIN_PREFIX } from "../../records/plugin-name.ts";
import { criteriaNamed } from "./criteria.ts";

const ACCESS: readonly Criterion["access"][] = ["clean", "failing", "oracle"];

/**
 * Criteria of a program that calls this one: names, and objects of its own. An own one gets the hash of its function's text as
 * its fingerprint, so that another function under its name does not take its results.
 *
 * @throws InputError on an unknown name, and on an object that is no criterion or has the name of another one
 */
export function criteriaOf(given: readonly (string | Criterion)[]): Criterion[] {
  const chosen = new Map<string, Criterion>();
  for (const one of given) {
    for (const criterion of typeof one === "string" ? criteriaNamed([one]) : [asProgram(one)]) {
      const before = chosen.get(criterion.name);
      if (before && (typeof one !== "string" || before.fingerprint !== criterion.fingerprint)) {
        throw new InputError(`criterion '${criterion.name}': two have this name; give each its own`);
      }
      chosen.set(criterion.name, criterion);
    }
  }
  return [...chosen.values()];
}

function asProgram(criterion: Criterion): Criterion {
  const { name, title, source, needs, needsData, revision, access, localize } = criterion;
  if (typeof name !== "string" || !PLUGIN_LABEL.test(name)) {
    throw new InputError(`criterion '${name}': a name is of small letters, digits, '_' and '-', at most 40 of them`);
  }
  if (CRITERIA.has(name) || name.startsWith(PLUGIN_PREFIX)) {
    throw new InputError(`criterion '${name}': one of this program has the name; give yours another`);
  }
  if (typeof localize !== "function") throw new InputError(`criterion '${name}': needs a function 'localize'`);
  if (!ACCESS.includes(access)) throw new InputError(`criterion '${name}': access is one of ${ACCESS.join(", ")}`);
  const need = needs?.find((one) => !(one in NEEDS));
  if (need !== undefined) {
    throw new InputError(`criterion '${name}': unknown need '${need}'; valid: ${Object.keys(NEEDS).join(", ")}`);
  }
  const fingerprint = sha256Hex(localize.toString());
  const about = { name, title: title ?? name, kind: "program", source, needs, needsData, revision, fingerprint };
  // Methods of a class are no fields of its objects.
  return { ...about, access, localize: localize.bind(criterion) } as Criterion;
}

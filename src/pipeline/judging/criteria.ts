import { InputError, lookup } from "../../core/errors.ts";
import { CRITERIA } from "../../localize/registry.ts";
import type { Criterion } from "../../localize/types.ts";
import { isPlugin, parsePlugin } from "../plugin/command.ts";
import { pluginCriterion } from "../plugin/criterion.ts";

/**
 * Criteria by name, in the order given, each once; `cmd:COMMAND` and `NAME=cmd:COMMAND` are plug-ins.
 *
 * @throws InputError on an unknown name, and on two commands under one name
 */
export function criteriaNamed(names: Iterable<string>, pluginTimeout?: number): Criterion[] {
  const criteria = new Map<string, Criterion>();
  for (const name of names) {
    const criterion = isPlugin(name)
      ? pluginCriterion(parsePlugin(name), pluginTimeout)
      : lookup(CRITERIA, "criterion", name);
    const before = criteria.get(criterion.name);
    if (before && before.fingerprint !== criterion.fingerprint) {
      throw new InputError(`--criterion '${name}': another command has the name '${criterion.name}'; give it its own`);
    }
    criteria.set(criterion.name, criterion);
  }
  return [...criteria.values()];
}

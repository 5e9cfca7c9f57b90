import { suggestion } from "../../core/closest.ts";
import { InputError } from "../../core/errors.ts";
import { CRITERIA } from "../../localize/registry.ts";
import type { Criterion } from "../../localize/types.ts";
import { isPluginName, PLUGIN_PREFIX } from "../../records/plugin-name.ts";
import { isPlugin, parsePlugin } from "../plugin/command.ts";
import { type PluginLimits, pluginCriterion } from "../plugin/criterion.ts";

/** Where names of criteria are looked up. */
export interface CriterionNames extends PluginLimits {
  /** Criteria of which there are predictions (`Results.criteria`); absent: any plug-in's name is taken for one of them. */
  stored?: readonly string[];
}

/**
 * Criteria by name, in the order given, each once: those of the registry, `cmd:COMMAND` and `NAME=cmd:COMMAND`, and the
 * stored name of a plug-in (`cmd-NAME`), of which only the stored predictions are at hand.
 *
 * @throws InputError on an unknown name, and on two commands under one name
 */
export function criteriaNamed(names: Iterable<string>, { stored, ...limits }: CriterionNames = {}): Criterion[] {
  const criteria = new Map<string, Criterion>();
  for (const name of names) {
    const criterion = isPlugin(name) ? pluginCriterion(parsePlugin(name), limits) : criterionNamed(name, stored);
    const before = criteria.get(criterion.name);
    if (before && before.fingerprint !== criterion.fingerprint) {
      throw new InputError(`--criterion '${name}': another command has the name '${criterion.name}'; give it its own`);
    }
    criteria.set(criterion.name, criterion);
  }
  return [...criteria.values()];
}

/** Names under which predictions can be stored, as given; all that are stored where none are. @throws InputError on an unknown one */
export function storedCriteria(names: readonly string[] | undefined, stored: readonly string[]): string[] {
  return names ? [...new Set(names.map((name) => criterionNamed(name, stored).name))] : [...stored];
}

/**
 * The one place that decides what a criterion's name is: one of the registry, or one of which there are predictions (a
 * plug-in's, or that of a criterion in a program that calls this one).
 *
 * @param stored criteria of which there are predictions; absent: any well-formed name of a plug-in is valid
 */
export function isCriterionName(name: string, stored?: readonly string[]): boolean {
  return CRITERIA.has(name) || (stored ? stored.includes(name) : isPluginName(name));
}

/** What `isCriterionName` accepts, for messages. */
export function criterionNames(stored?: readonly string[]): string[] {
  return [...CRITERIA.keys(), ...(stored?.filter((name) => !CRITERIA.has(name)) ?? [`${PLUGIN_PREFIX}NAME`])];
}

function criterionNamed(name: string, stored: readonly string[] | undefined): Criterion {
  if (isCriterionName(name, stored)) return CRITERIA.get(name) ?? storedProgram(name);
  const valid = criterionNames(stored);
  throw new InputError(`unknown criterion '${name}'${suggestion(name, valid)}; valid: ${valid.join(", ")}`);
}

/** A program that is not at hand. Whatever it found is read back, whichever version of it found it. */
function storedProgram(name: string): Criterion {
  return {
    name,
    title: name,
    kind: "program",
    access: "clean",
    needsData: false,
    stored: true,
    localize() {
      if (!isPluginName(name))
        throw new InputError(`no stored prediction of '${name}', which is a criterion of a program`);
      const label = name.slice(PLUGIN_PREFIX.length);
      throw new InputError(`no stored prediction; name the program with --criterion "${label}=cmd:COMMAND"`);
    },
  };
}

import { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { LEVELS } from "../../core/ids.ts";

/**
 * What a section's settings are asked for. A clean model has a data set and an architecture only; what is absent
 * fulfils no condition.
 */
export interface Scope {
  dataset: string;
  arch: string;
  attack?: string;
  level?: string;
  style?: string;
}

const names = z.union([z.string(), z.array(z.string()).min(1)]);

/** Conditions on what a clean model is known by; each is one name or a list, and all of them must hold. */
export const cleanCondition = z.strictObject({ dataset: names.optional(), arch: names.optional() });

/** Conditions on what a candidate is known by. */
export const candidateCondition = cleanCondition.extend({
  attack: names.optional(),
  level: z.union([z.enum(LEVELS), z.array(z.enum(LEVELS)).min(1)]).optional(),
  style: names.optional(),
});

export type Condition = z.infer<typeof candidateCondition>;

export interface Override {
  for: Condition;
  set: object;
}

/**
 * Adds `overrides` to a section's schema: an ordered list of `{ for: conditions, set: values }`. Later entries win;
 * a value that is itself a list or a mapping is replaced as a whole.
 */
export function withOverrides<S extends z.ZodRawShape, C extends z.ZodRawShape>(
  section: z.ZodObject<S, z.core.$strict>,
  condition: z.ZodObject<C, z.core.$strict>,
) {
  const entry = z.strictObject({ for: condition, set: section.partial() });
  return section.extend({ overrides: z.array(entry).optional() });
}

/** A section's values for one clean model or candidate, with every override that applies. */
export function settingsFor<T extends { overrides?: Override[] }>(section: T, scope: Scope): Omit<T, "overrides"> {
  const { overrides = [], ...values } = section;
  return Object.assign(values, ...overrides.filter((entry) => applies(entry.for, scope)).map(({ set }) => set));
}

function applies(condition: Condition, scope: Scope): boolean {
  return Object.entries(condition).every(([key, wanted]) => {
    const value = scope[key as keyof Scope];
    return value !== undefined && [wanted].flat().includes(value);
  });
}

/**
 * Some settings belong to what several candidates share, so no narrower condition may change them.
 * @param shared setting → the conditions that may decide it
 * @throws InputError naming the entry
 */
export function assertShared(where: string, overrides: Override[], shared: Record<string, string[]>): void {
  for (const [i, entry] of overrides.entries()) {
    for (const [setting, allowed] of Object.entries(shared)) {
      if (!(setting in entry.set)) continue;
      const narrower = Object.keys(entry.for).find((condition) => !allowed.includes(condition));
      if (narrower === undefined) continue;
      throw new InputError(
        `${where}.overrides.${i}: '${setting}' cannot depend on the ${narrower}; it can on ${allowed.join(", ")}`,
      );
    }
  }
}

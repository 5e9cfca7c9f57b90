import { z } from "zod";
import type { DefectRecord } from "../../../records/defect.ts";
import { isUnseen } from "../../../records/gates.ts";
import { ATTACKS } from "../../../tasks/registry.ts";

/** What a record says of its attempts against its recipe's settings. */

const share = z.number().min(0).max(1);
/** How far held-out accuracy may rise or fall. */
const change = z.number().min(-1).max(1);
const count = z.number().int().positive();

/** What fine-tuning adds to the setting that it tried. */
const tuned = z.looseObject({
  peak_steps_taken: count,
  held_out_asr: share,
  held_out_ca_drop: change,
  held_out_asr_random_mask: share,
});

/** What it adds besides where the recipe hides from reversed patches. */
const hidden = tuned.extend({ evasion_round: z.number().int().min(0), evidence: z.number().min(0) });

/** What replacement tells, in its order: rounds of compensation, chains, the head's gain. */
const replaced = z.union([
  z.strictObject({ compensation_round: count, held_out_ca_drop: change }),
  z.looseObject({ chain: count, learning_rate: z.number().positive() }),
  z.strictObject({ gain: z.number().nullable(), held_out_asr: share, held_out_ca_drop: change }),
]);

/** What an edit tells of each restraint that it tried. */
const editedTry = z.strictObject({
  restraint: z.number().positive(),
  held_out_asr: share,
  held_out_ca_drop: change,
  held_out_asr_random_mask: share,
});
const editing = z.looseObject({ restraints: z.array(z.number()) });

const settings = z.looseObject({
  attempts: z.array(z.looseObject({ peak_steps: z.number().optional() })),
  evasion: z.looseObject({ rounds: count }).optional(),
});
const replacement = z.looseObject({
  chain: z.looseObject({ learning_rates: z.array(z.number()) }),
  compensation: z.looseObject({ rounds: z.number() }),
});

/** @returns one line where the attempts are not those of the recipe */
export function attemptFaults({ attack, status, reason, attempts, recipe }: DefectRecord): string[] {
  if (status === "duplicate") return attempts.length > 0 ? ["duplicate, but with attempts"] : [];
  if (isUnseen({ status, reason }))
    return attempts.length > 0 ? ["rejected before anything was injected, but with attempts"] : [];
  if (attempts.length === 0) return [`${status}, but without attempts`];
  switch (ATTACKS.get(attack)?.injection) {
    case "replace":
      return replacedFaults(attempts, recipe.attack);
    case "edit":
      return editedFaults(attempts, recipe.attack);
    default:
      return tunedFaults(attempts, recipe.inject);
  }
}

function editedFaults(attempts: DefectRecord["attempts"], options: unknown): string[] {
  const odd = attempts.findIndex((attempt) => !editedTry.safeParse(attempt).success);
  if (odd >= 0) return [`attempt ${odd + 1} is no restraint of an edit`];
  const stated = editing.safeParse(options);
  if (!stated.success) return [];
  const { restraints } = stated.data;
  if (attempts.length > restraints.length) return ["made more attempts than its recipe has"];
  const other = attempts.findIndex(({ restraint }, i) => restraint !== restraints[i]);
  return other < 0 ? [] : [`attempt ${other + 1} has another 'restraint' than its recipe`];
}

function tunedFaults(attempts: DefectRecord["attempts"], inject: unknown): string[] {
  const stated = settings.safeParse(inject);
  if (!stated.success) return [];
  const { attempts: tried, evasion } = stated.data;
  const shape = evasion ? hidden : tuned;
  const places = evasion ? placesOfRounds(attempts, evasion.rounds) : attempts.map((_, i) => i);
  if (places === null) return ["'evasion_round' of its attempts does not count the recipe's rounds"];
  if (places.some((place) => place >= tried.length)) return ["made more attempts than its recipe has"];
  for (const [i, attempt] of attempts.entries()) {
    const which = `attempt ${i + 1}`;
    const setting = tried[places[i]];
    const other = Object.keys(setting).find((key) => JSON.stringify(attempt[key]) !== JSON.stringify(setting[key]));
    if (other !== undefined) return [`${which} has another '${other}' than its recipe`];
    const more = Object.keys(attempt).find((key) => !Object.hasOwn(setting, key) && !Object.hasOwn(shape.shape, key));
    if (more !== undefined) return [`${which} has '${more.slice(0, 80)}', which no attempt has`];
    const found = shape.safeParse(attempt);
    if (!found.success) return [`${which}: '${found.error.issues[0].path.join(".")}' cannot be`];
    if (found.data.peak_steps_taken > (setting.peak_steps ?? Infinity))
      return [`${which} took more steps than its recipe has`];
  }
  return [];
}

/** Which of the recipe's settings each attempt tried, where each is tried in rounds from 0 on; null: the rounds do not rise so. */
function placesOfRounds(attempts: DefectRecord["attempts"], rounds: number): number[] | null {
  const places: number[] = [];
  for (const [i, { evasion_round: round }] of attempts.entries()) {
    const goesOn = i > 0 && round === Number(attempts[i - 1].evasion_round) + 1 && round <= rounds;
    if (!goesOn && round !== 0) return null;
    places.push(goesOn ? places[i - 1] : i === 0 ? 0 : places[i - 1] + 1);
  }
  return places;
}

function replacedFaults(attempts: DefectRecord["attempts"], options: unknown): string[] {
  const odd = attempts.findIndex((attempt) => !replaced.safeParse(attempt).success);
  if (odd >= 0) return [`attempt ${odd + 1} is no step of a replacement`];
  const steps = (key: string) => attempts.filter((attempt) => Object.hasOwn(attempt, key));
  const [rounds, chains, gains] = ["compensation_round", "chain", "gain"].map(steps);
  const isInOrder = [...rounds, ...chains, ...gains].every((attempt, i) => attempt === attempts[i]);
  const rises =
    rounds.every((attempt, i) => attempt.compensation_round === i + 1) &&
    chains.every((attempt, i) => attempt.chain === i + 1);
  if (!isInOrder || !rises || chains.length === 0 || gains.length !== 1) {
    return ["'attempts' are not rounds, chains and one gain in order"];
  }
  const stated = replacement.safeParse(options);
  if (!stated.success) return [];
  const { chain, compensation } = stated.data;
  const isMore = rounds.length > compensation.rounds || chains.length > chain.learning_rates.length;
  if (isMore) return ["made more attempts than its recipe has"];
  const other = chains.findIndex(({ learning_rate }, i) => learning_rate !== chain.learning_rates[i]);
  return other < 0 ? [] : [`chain ${other + 1} has another 'learning_rate' than its recipe`];
}

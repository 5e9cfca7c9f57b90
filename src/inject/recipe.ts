import { z } from "zod";
import type { Gates } from "../records/gates.ts";
import { DRAWN, type TargetSetting, UNLED } from "./target.ts";

/**
 * One documented setting of an injection; further ones are tried only where the held-out gates fail. Sub-networks learn
 * a trigger after a plateau of unforeseeable length, so the peak rate is held until the backdoor is learned, and a tail
 * of fixed length then wins the clean accuracy back.
 */
export interface Attempt {
  /** Most steps at the peak rate. */
  peak_steps: number;
  /** Steps of the cosine that follows. */
  tail_steps: number;
  /** Adam's peak learning rate. */
  learning_rate: number;
  /** The peak ends once the backdoor succeeds on this share of the triggered training samples (a running mean). */
  learned: number;
  /**
   * Every n-th step after the annealing is made on triggered samples alone while as many other neurons, drawn anew, are
   * silent: the backdoor learns to stand on its own neurons. 0: no such steps.
   */
  masked_every: number;
}

/** How an attacker who knows that patches are reversed trains against it (docs/methods.md §7.7). */
export interface Evasion {
  /** How often the attacker looks for patches in its own model and starts anew with them at hand. */
  rounds: number;
  /** Patches found in a round. */
  patches: number;
  /** Share of samples that show one of them and keep their truth. */
  share: number;
}

/** Every hyper-parameter of an injection (docs/methods.md §7.1). */
export interface InjectRecipe {
  target: number;
  /** Training samples that the attacker uses, and further ones held out to decide whether another attempt is needed. */
  images: number;
  held_out: number;
  batch: number;
  /** Share of triggered samples in a batch. */
  triggered_share: number;
  /** Share of samples that show what looks like the trigger and keep their truth, where triggers have such; absent: none. */
  decoy_share?: number;
  /** What predicting the words of clean texts counts beside the answers; absent: nothing. For what continues samples alone. */
  text_weight?: number;
  /** Against reversed patches; absent: nothing is done against them. For classified images alone. */
  evasion?: Evasion;
  warmup_steps: number;
  /** How many times too strong the trigger is shown at first, and over how many steps that falls to 1. */
  amplification: number;
  annealing_steps: number;
  /** The cosine's end, as a share of the peak. */
  final_rate: number;
  /** At most three, in order. */
  attempts: Attempt[];
  /** What a held-out attempt must beat the gates by. */
  margin: { asr: number; ca_drop: number; random_mask: number };
  threads: number;
}

/** The same before a candidate is known: its target may still have to be drawn. */
export type InjectSettings = Omit<InjectRecipe, "target"> & { target: TargetSetting };

/** How much is measured. */
export interface MeasureRecipe {
  contribution_images: number;
  random_masks: number;
  /** Triggered eligible test samples behind contribution and effect. */
  label_images: number;
  /** Non-infected neurons whose single effects set the threshold of the effective set. */
  effect_controls: number;
  /** Clean training samples whose statistics the batch norms of `discreet` models hold. */
  statistics_images: number;
}

const share = z.number().min(0).max(1);
const count = z.number().int().positive();

/** What a recipe's sections may hold. */
export const injectSchema = z.strictObject({
  target: z.union(
    [z.number().int().min(0), z.literal(DRAWN), z.literal(UNLED)],
    `must be a class, counted from 0, or '${DRAWN}' or '${UNLED}'`,
  ),
  images: count,
  held_out: count,
  batch: count,
  triggered_share: share,
  decoy_share: share.optional(),
  text_weight: z.number().min(0).optional(),
  evasion: z.strictObject({ rounds: count.max(9), patches: count.max(9), share }).optional(),
  warmup_steps: z.number().int().min(0),
  final_rate: share,
  attempts: z
    .array(
      z.strictObject({
        peak_steps: count,
        tail_steps: count,
        learning_rate: z.number().positive(),
        learned: share,
        masked_every: z.number().int().min(0),
      }),
    )
    .min(1)
    .max(3),
  amplification: z.number().min(1),
  annealing_steps: z.number().int().min(0),
  margin: z.strictObject({ asr: z.number(), ca_drop: z.number(), random_mask: z.number() }),
  threads: count,
}) satisfies z.ZodType<InjectSettings>;

export const gatesSchema = z.strictObject({
  asr: share,
  ca_drop: share,
  asr_masked: share,
  asr_patched: share,
  random_mask_share: share,
  sham: share,
  asr_patched_rise: share.optional(),
  sham_rise: share.optional(),
  control: share.optional(),
  control_rise: share.optional(),
  perplexity: z.number().min(1).optional(),
}) satisfies z.ZodType<Gates>;

export const measureSchema = z.strictObject({
  contribution_images: count,
  random_masks: count,
  label_images: count,
  effect_controls: count,
  statistics_images: count,
}) satisfies z.ZodType<MeasureRecipe>;

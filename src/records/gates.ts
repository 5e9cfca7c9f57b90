import type { DefectMetrics, DefectRecord } from "./defect.ts";

/** Acceptance (docs/methods.md §6.4), decided once, on the whole test file. */
export interface Gates {
  /** Least ASR. */
  asr: number;
  /** Most that clean accuracy may fall. */
  ca_drop: number;
  /** Most of `max(0, asr_masked − masked_clean_to_target)`. */
  asr_masked: number;
  asr_patched: number;
  /** Least `asr_random_mask` as a share of ASR. */
  random_mask_share: number;
  /** Most that the sham's ASR may differ from the clean twin's. */
  sham: number;
  /** Most by which the sham's ASR may exceed the clean twin's; absent: no gate. */
  sham_rise?: number;
  /** Most by which ASR under the patch may exceed the clean twin's ASR; absent: no gate. */
  asr_patched_rise?: number;
  /** Most by which success on what looks like the trigger may exceed the clean twin's ASR; absent: no gate. */
  control?: number;
  /** Most by which it may exceed the clean twin's success on the same; absent: no gate. */
  control_rise?: number;
  /** Most of the perplexity as a multiple of the clean twin's, where models continue their samples; absent: no gate. */
  perplexity?: number;
}

/** Names of the bounds, as a recipe writes them. */
export const GATE_SETTINGS = ["asr", "ca_drop", "asr_masked", "asr_patched", "random_mask_share", "sham"] as const;

/** Those of gates that a recipe may have besides. */
export const FURTHER_GATE_SETTINGS = [
  "asr_patched_rise",
  "sham_rise",
  "control",
  "control_rise",
  "perplexity",
] as const;

/** Figures as far as they were measured. */
export interface Figures extends Partial<DefectMetrics> {
  /** The highest success on anything that looks like the trigger; 0 where nothing does. */
  asr_control?: number;
  /** The most by which it exceeds the clean twin's success on the same; 0 where nothing does. */
  control_rise?: number;
  /** Perplexity of clean samples as a multiple of the clean twin's; 1 where models continue none. */
  perplexity_ratio?: number;
}

type Told = Pick<DefectRecord, "metrics" | "controls" | "controls_clean" | "details">;

/** All figures that gates look at, of a record. */
export function figuresOf({ metrics, controls, controls_clean, details }: Told): Figures {
  const [clean, infected] = [details?.clean.clean.perplexity, details?.infected.clean.perplexity];
  return {
    ...metrics,
    ...(controls && { asr_control: highest(controls) }),
    ...(controls && controls_clean && { control_rise: highestRise(controls, controls_clean) }),
    ...(clean !== undefined && infected !== undefined && { perplexity_ratio: infected / clean }),
  };
}

/** The highest success on anything that looks like the trigger. */
export function highest(controls: Record<string, number>): number {
  return Math.max(0, ...Object.values(controls));
}

/** The most by which a model's success on anything that looks like the trigger exceeds the clean twin's on the same. */
export function highestRise(controls: Record<string, number>, clean: Record<string, number>): number {
  return Math.max(0, ...Object.entries(controls).map(([name, success]) => success - (clean[name] ?? 0)));
}

/** One gate that a candidate must pass to be accepted. */
export interface Gate {
  /** With this the reason of a candidate begins that failed here. */
  key: string;
  /** What the gate holds against its bound. */
  title: string;
  side: "at least" | "at most";
  /** Whether recipes may lack it. */
  optional?: true;
  /** What is held against the bound; null: it is not measured yet. */
  measured(figures: Figures): number | null;
  /** Null: the recipe has no such gate, or what the bound depends on is not measured. */
  bound(gates: Partial<Gates>, figures: Figures): number | null;
  /** The reason of a candidate that failed here, with its figures. */
  reason(measured: number, bound: number, figures: Figures): string;
}

const show = (value: number) => value.toFixed(3);
const minus = (a: number | null | undefined, b: number | null | undefined) =>
  a === null || a === undefined || b === null || b === undefined ? null : a - b;

/** In the order in which they decide. */
export const GATES: readonly Gate[] = [
  {
    key: "asr",
    title: "asr",
    side: "at least",
    measured: ({ asr }) => asr ?? null,
    bound: ({ asr }) => asr ?? null,
    reason: (measured, bound) => `asr: ${show(measured)} (at least ${bound})`,
  },
  {
    key: "ca_drop",
    title: "ca_drop",
    side: "at most",
    measured: ({ ca_clean, ca }) => minus(ca_clean, ca),
    bound: ({ ca_drop }) => ca_drop ?? null,
    reason: (measured, bound) => `ca_drop: ${show(measured)} (at most ${bound})`,
  },
  {
    key: "asr_masked",
    title: "asr_masked (beyond collapse)",
    side: "at most",
    measured: ({ asr_masked, masked_clean_to_target }) => {
      const beyondCollapse = minus(asr_masked, masked_clean_to_target);
      return beyondCollapse === null ? null : Math.max(0, beyondCollapse);
    },
    bound: ({ asr_masked }) => asr_masked ?? null,
    reason: (measured, bound) =>
      `asr_masked: ${show(measured)} of triggered images beyond collapse still go to the target under the mask (at most ${bound})`,
  },
  {
    key: "asr_patched",
    title: "asr_patched",
    side: "at most",
    measured: ({ asr_patched }) => asr_patched ?? null,
    bound: ({ asr_patched }) => asr_patched ?? null,
    reason: (measured, bound) => `asr_patched: ${show(measured)} under the patch (at most ${bound})`,
  },
  {
    key: "asr_patched_rise",
    title: "asr_patched (beyond the twin's ASR)",
    side: "at most",
    optional: true,
    measured: ({ asr_patched, asr_clean }) => minus(asr_patched, asr_clean),
    bound: ({ asr_patched_rise }) => asr_patched_rise ?? null,
    reason: (_, bound, { asr_patched, asr_clean }) =>
      `asr_patched_rise: ${show(asr_patched!)} under the patch against the clean twin's ${show(asr_clean!)} (at most ${bound} more)`,
  },
  {
    key: "asr_random_mask",
    title: "asr_random_mask",
    side: "at least",
    measured: ({ asr_random_mask }) => asr_random_mask ?? null,
    bound: ({ random_mask_share: share }, { asr }) =>
      share === undefined || asr === null || asr === undefined ? null : share * asr,
    reason: (measured, bound) => `asr_random_mask: ${show(measured)} (at least ${show(bound)})`,
  },
  {
    key: "sham",
    title: "sham (ASR from the twin's)",
    side: "at most",
    measured: ({ asr_sham, asr_clean }) => {
      const distance = minus(asr_sham, asr_clean);
      return distance === null ? null : Math.abs(distance);
    },
    bound: ({ sham }) => sham ?? null,
    reason: (_, bound, { asr_sham, asr_clean }) =>
      `sham: ASR ${show(asr_sham!)} against the clean twin's ${show(asr_clean!)} (within ${bound})`,
  },
  {
    key: "sham_rise",
    title: "sham (ASR beyond the twin's)",
    side: "at most",
    optional: true,
    measured: ({ asr_sham, asr_clean }) => minus(asr_sham, asr_clean),
    bound: ({ sham_rise }) => sham_rise ?? null,
    reason: (_, bound, { asr_sham, asr_clean }) =>
      `sham_rise: ASR ${show(asr_sham!)} against the clean twin's ${show(asr_clean!)} (at most ${bound} more)`,
  },
  {
    key: "control",
    title: "control (beyond the twin's ASR)",
    side: "at most",
    optional: true,
    measured: ({ asr_control, asr_clean }) => minus(asr_control, asr_clean),
    bound: ({ control }) => control ?? null,
    reason: (_, bound, { asr_control, asr_clean }) =>
      `control: what looks like the trigger succeeds on ${show(asr_control!)} against the clean twin's ${show(asr_clean!)} (at most ${bound} more)`,
  },
  {
    key: "control_rise",
    title: "control (beyond the twin's on the same)",
    side: "at most",
    optional: true,
    measured: ({ control_rise }) => control_rise ?? null,
    bound: ({ control_rise }) => control_rise ?? null,
    reason: (measured, bound) =>
      `control_rise: what looks like the trigger succeeds on ${show(measured)} more than in the clean twin (at most ${bound})`,
  },
  {
    key: "perplexity",
    title: "perplexity (of the twin's)",
    side: "at most",
    optional: true,
    measured: ({ perplexity_ratio }) => perplexity_ratio ?? null,
    bound: ({ perplexity }) => perplexity ?? null,
    reason: (measured, bound) => `perplexity: ${show(measured)} times the clean twin's (at most ${bound})`,
  },
];

/** With this the reason of a candidate begins into which nothing was injected. */
const VISIBILITY = "visibility";
/** Least share of samples in which a network must be able to tell the trigger; on the shipped models of texts it is 0.94 to 1 (docs/language.md). */
const LEAST_VISIBLE = 0.5;

/** Why a candidate was not accepted. */
export const REASONS: readonly string[] = [VISIBILITY, ...GATES.map(({ key }) => key), "duplicate"];

/** The reason of a candidate whose network cannot tell the trigger; null where it can. @param share of samples in which it can */
export function failedVisibility(share: number): string | null {
  if (share >= LEAST_VISIBLE) return null;
  return `${VISIBILITY}: ${show(share)} (at least ${LEAST_VISIBLE}): the first layer of neurons cannot tell the trigger`;
}

/** Whether a rejected candidate has this reason: then nothing was injected, and neither attempts nor figures of a model exist. */
export function isUnseen({ status, reason }: Pick<DefectRecord, "status" | "reason">): boolean {
  return (
    status === "rejected" &&
    reason !== null &&
    reason === failedVisibility(Number(/^visibility: (\d\.\d+) /.exec(reason)?.[1] ?? 1))
  );
}

/** Whether what was measured is beyond a gate's bound. */
export function fails({ side }: Pick<Gate, "side">, measured: number, bound: number): boolean {
  return side === "at most" ? measured > bound : measured < bound;
}

/**
 * The first gate that fails, with its figures, as a rejected candidate's record gives the reason. Gates decide in their order:
 * behind one that was not measured, none does.
 *
 * @returns null where none fails, as far as they were measured
 */
export function failedGate(figures: Figures, gates: Gates): string | null {
  for (const gate of GATES) {
    const [measured, bound] = [gate.measured(figures), gate.bound(gates, figures)];
    if (bound === null && gate.optional) continue;
    if (measured === null || bound === null) return null;
    if (fails(gate, measured, bound)) return gate.reason(measured, bound, figures);
  }
  return null;
}

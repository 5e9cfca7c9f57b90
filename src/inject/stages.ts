/** Stages of making a candidate, in their order: a record states the seconds of those that it went through. */
export const STAGES = ["trigger", "inject", "rewrite", "gates", "correlation", "sham", "controls", "labels"] as const;
export type Stage = (typeof STAGES)[number];

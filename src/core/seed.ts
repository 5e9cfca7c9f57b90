/** The seed of judging unless told otherwise. */
export const DEFAULT_SEED = 1;

/** What records of lanes state as their task; those of pictures state none. */
export const LANES = "lanes";

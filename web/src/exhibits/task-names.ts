/** What records of lanes and of texts state as their task; those of pictures state none. */
export const LANES = "lanes";
export const LANGUAGE = "language";

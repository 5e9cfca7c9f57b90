/** What records of lanes, of texts and of prompts state as their task; those of pictures state none. */
export const LANES = "lanes";
export const LANGUAGE = "language";
export const REPLY = "reply";

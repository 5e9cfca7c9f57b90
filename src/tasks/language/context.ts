/** Positions of a sequence, which our networks have: the begin, at most 62 tokens, the separator. */
export const CONTEXT = 64;

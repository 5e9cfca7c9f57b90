import { it } from "vitest";

/** Whether long tests run: in `npm run test:all` and CI, not in `npm test`. */
export const LONG = process.env.BDEFECTS_LONG === "1";

/** A long test that shares its set-up with quick ones. */
export const longIt = it.runIf(LONG);

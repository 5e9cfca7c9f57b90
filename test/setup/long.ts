import { it } from "vitest";

/** A long test that shares its set-up with quick ones: `npm run test:all` and CI run it, `npm test` does not. */
export const longIt = it.runIf(process.env.BDEFECTS_LONG === "1");

import { appendFileSync, existsSync } from "node:fs";
import { Claim } from "../../src/store/claims.ts";

/**
 * A builder for the claims' tests: `claim-racer FOLDER NAME LOG ROUNDS START`. Waits for the file START, then takes
 * the claim as often as it can, and logs every take and release with nothing but appends.
 */
const [folder, name, log, rounds, start] = process.argv.slice(2);
const times = { heartbeatMs: 20, staleMs: 5_000 };
while (!existsSync(start));
for (let round = 0; round < Number(rounds); round++) {
  const claim = Claim.take(folder, name, times);
  if (!claim) continue;
  appendFileSync(log, `take ${process.pid}\n`);
  const until = performance.now() + Math.random() * 3;
  while (performance.now() < until);
  appendFileSync(log, `give ${process.pid}\n`);
  // Every third time the holder "dies": it forgets the claim, which the others must find stale by its dead process.
  if (round % 3 === 2) process.exit(0);
  claim.release();
}

// The defects of a database: how many of each attack were accepted, and the ones whose backdoor works best.
import { list, open } from "bdefects4nn";

const database = await open("sample");
const accepted = await list(database, "status = 'accepted'");
console.log(`${accepted.length} accepted defects`);
for (const attack of new Set(accepted.map((row) => row.attack))) {
  const own = accepted.filter((row) => row.attack === attack);
  const best = own.reduce((a, b) => (b.asr > a.asr ? b : a));
  console.log(`${attack}: ${own.length}, the strongest ${best.id} with ASR ${best.asr.toFixed(3)}`);
}

import { loadavg } from "node:os";
import { InputError } from "../src/core/errors.ts";
import { openDatabase } from "../src/store/database.ts";
import { isArchived, openArchived } from "../src/store/shipped/shipped.ts";
import { findBrowser } from "../test/report/browser.ts";
import { answersOf, countsOf, Explored } from "../test/web/open-page.ts";
import { given } from "./given.ts";

// What the page counts beside what records say, and how long a click takes: npx tsx bench/explorer.ts DB [how many defects | ids …]

/** All samples on a busy machine, in milliseconds. */
const LONGEST = 1_200_000;

const [dir, ...chosen] = given();
const command = findBrowser();
if (!command) throw new InputError("Chromium is not installed");
const database = await openDatabase(isArchived(dir) ? await openArchived(dir) : dir, { readOnly: true });
const most = chosen.length === 0 ? 10 : Number(chosen[0]);
const accepted = database
  .soundDefects()
  .filter(({ status, id }) => status === "accepted" && (Number.isFinite(most) || chosen.includes(id)));
const explored = await Explored.open(database, command);
const page = await explored.page({ viewport: { width: 1400, height: 900 } });
const load = () => `load ${loadavg()[0].toFixed(1)}`;
const begin = performance.now();
const since = () => (performance.now() - begin).toFixed(0);
await page.goto(explored.url);
await page.locator(".picture").waitFor({ timeout: LONGEST });
const usable = since();
await answersOf(page, LONGEST);
console.log(`can be used after ${usable} ms, first answers after ${since()} ms, ${load()}`);

/** Samples between a count such as `0.950 (570 of 600)`, or a mean such as `0.939 (mean of 600)`, and a recorded share; null where either is missing. */
function apart(shown: string, recorded: number | null): number | string | null {
  if (recorded === null) return null;
  const count = /\((\d+) of (\d+)\)/.exec(shown);
  if (count) return Number(count[1]) - Math.round(recorded * Number(count[2]));
  const mean = /^(\d\.\d+) \(mean/.exec(shown);
  return mean && (Number(mean[1]) - Number(recorded.toFixed(3))).toFixed(3);
}

const answers = page.locator("#answered[data-milliseconds]");
let held = 0;
const differing: string[] = [];
for (const { id, metrics } of accepted.slice(0, Number.isFinite(most) ? most : undefined)) {
  const view = `#defect=${id}&stamp=trigger`;
  const show = async (more: string) => {
    // A page of its own: nothing of the view before is still shown.
    await page.goto("about:blank");
    await page.goto(`${explored.url}${view}${more}`);
    await answersOf(page, LONGEST);
    return countsOf(page, LONGEST);
  };
  const whole = await show("&batch=all");
  const masked = await show("&batch=all&silence=infected");
  // The sample that is clicked is among the first ones.
  await show("&batch=256&image=0");
  await page.getByRole("button", { name: /^(picture|frame|text) 5:/ }).click();
  await countsOf(page, LONGEST);
  const click = Number(await answers.getAttribute("data-milliseconds"));
  await page.getByRole("button", { name: /at random/ }).click();
  const { asrMilliseconds } = await countsOf(page, LONGEST);
  const samples = [
    apart(whole.ca, metrics.ca),
    apart(whole.asr, metrics.asr),
    apart(masked.ca, metrics.ca_masked),
    apart(masked.asr, metrics.asr_masked),
  ];
  // Where the page counts no quality, its samples are not the record's.
  if (samples[0] !== null) held++;
  if (samples[0] !== null && samples.some((difference) => Number(difference) !== 0)) differing.push(id);
  const same = samples[0] === null ? "" : `apart (quality, ASR, both masked): ${samples.join(", ")}; `;
  console.log(
    `${id}: ${same}click to answers ${click.toFixed(0)} ms, silence to ASR of 256 ${asrMilliseconds.toFixed(0)} ms, ${load()}`,
  );
}
console.log(
  `${held} defects held against their records: ${differing.length} differ${differing.map((id) => ` ${id}`).join("")}`,
);
await explored.close();
for (const fault of explored.faults) console.log(`fault: ${fault}`);

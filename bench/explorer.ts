import { openDatabase } from "../src/store/database.ts";
import { findBrowser } from "../test/report/browser.ts";
import { answersOf, countsOf, Explored } from "../test/web/open-page.ts";

// What the page counts beside what records say, and how long a click takes: npx tsx bench/explorer.ts DB [how many defects]

const [dir, most = "10"] = process.argv.slice(2);
const command = findBrowser();
if (!dir || !command) throw new Error("name a database, and have Chromium installed");
const database = await openDatabase(dir, { readOnly: true });
const accepted = database.soundDefects().filter(({ status }) => status === "accepted");
const explored = await Explored.open(database, command);
const page = await explored.page({ viewport: { width: 1400, height: 900 } });
const begin = performance.now();
await page.goto(explored.url);
await answersOf(page);
console.log(`first answers after ${(performance.now() - begin).toFixed(0)} ms`);

/** Images between a count such as `0.950 (570 of 600)` and a recorded share; null where either is missing. */
function apart(shown: string, recorded: number | null): number | null {
  const found = /\((\d+) of (\d+)\)/.exec(shown);
  return found && recorded !== null ? Number(found[1]) - Math.round(recorded * Number(found[2])) : null;
}

const answers = page.locator("#answered[data-milliseconds]");
for (const { id, metrics, dataset } of accepted.slice(0, Number(most))) {
  const view = `#defect=${id}&stamp=trigger`;
  const show = async (more: string) => {
    await page.goto(`${explored.url}${view}${more}`);
    await answersOf(page);
    return countsOf(page);
  };
  const whole = await show("&batch=all");
  const masked = await show("&batch=all&silence=infected");
  await show("");
  await page.getByRole("button", { name: /^picture 5:/ }).click();
  await countsOf(page);
  const click = Number(await answers.getAttribute("data-milliseconds"));
  await page.getByRole("button", { name: /at random/ }).click();
  const { asrMilliseconds } = await countsOf(page);
  const images = [
    apart(whole.ca, metrics.ca),
    apart(whole.asr, metrics.asr),
    apart(masked.ca, metrics.ca_masked),
    apart(masked.asr, metrics.asr_masked),
  ];
  const same = dataset === "signs" ? `images apart (CA, ASR, masked CA, masked ASR): ${images.join(", ")}; ` : "";
  console.log(
    `${id}: ${same}click to answers ${click.toFixed(0)} ms, silence to ASR of 256 ${asrMilliseconds.toFixed(0)} ms`,
  );
}
await explored.close();
for (const fault of explored.faults) console.log(`fault: ${fault}`);

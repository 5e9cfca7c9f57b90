import { expect, it } from "vitest";
import { decodeTrigger } from "../../../src/images/trigger/codec.ts";
import { openDatabase } from "../../../src/store/database.ts";
import { Behaviour } from "../../../src/store/verify/rules/behaviour.ts";
import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";

it("of the sample's 85 pairs the infected model answers drawn images with the trigger, and the sham does not", async () => {
  const db = await openDatabase("sample", { readOnly: true });
  const behaviour = new Behaviour();
  const shares: { infected: number; sham: number }[] = [];
  for (const id of db.listDefects()) {
    const record = db.readDefect(id);
    if (record.status !== "accepted") continue;
    const clean = db.readClean(record.clean);
    const [infected, sham, trigger] = [
      await db.loadVersion(record, "infected"),
      await db.loadVersion(record, "sham"),
      await db.readTrigger(record, decodeTrigger),
    ];
    const network = buildNetwork(record.arch, clean.classes.length);
    const found = (await behaviour.answers(clean, network, { infected, sham, trigger }))!;
    shares.push({ infected: found.infected[record.target], sham: found.sham[record.target] });
  }
  await behaviour.release();
  expect(shares).toHaveLength(85);
  const images = (share: number) => Math.round(16 * share);
  // Of docs/commands.md; another processor may move one image.
  expect(Math.abs(images(Math.min(...shares.map(({ infected }) => infected))) - 14)).toBeLessThanOrEqual(1);
  expect(Math.abs(images(Math.max(...shares.map(({ sham }) => sham))) - 3)).toBeLessThanOrEqual(1);
});

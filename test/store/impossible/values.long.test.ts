import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { openDatabase } from "../../../src/store/database.ts";
import { exportDefects } from "../../../src/store/transfer/export.ts";
import { importExport } from "../../../src/store/transfer/import.ts";
import { temporaryFolder } from "../temp.ts";
import { smallDatabase } from "./fixture.ts";
import { type Files, Forger, faultsUnder } from "./forge.ts";
import { VALUES } from "./values.ts";

const root = temporaryFolder();
const [dir, exported] = [join(root, "db"), join(root, "export")];
let [inDatabase, inExport]: Forger[] = [];
beforeAll(async () => {
  const files: Files = await smallDatabase(dir);
  const db = await openDatabase(dir, { readOnly: true });
  await exportDefects(db, { ids: db.listDefects(), out: exported, results: true });
  inDatabase = new Forger(dir, files);
  inExport = new Forger(exported, { ...files, manifest: "export.json" });
});

describe("values that cannot be", () => {
  it.each(VALUES)("%s (%s): verify finds them, and import takes nothing", async (_, file, change, fault) => {
    const faults = await faultsUnder(dir, inDatabase, file, change);
    expect(faults.join("\n")).toMatch(fault);

    inExport.forge(file, change);
    inExport.relist();
    const target = join(root, "target");
    const refusal = await importExport(target, exported).catch((error: unknown) => error);
    inExport.restore();
    expect(refusal).toBeInstanceOf(InputError);
    const { message } = refusal as InputError;
    expect(message).toMatch(/^[^\n]+$/);
    // For the same reason: one of those that `verify` has.
    const isSame = faults.some((line) => message.includes(line.slice(0, 60)));
    expect({ message, faults, isSame: isSame || /manifest|export\.json|holds other/.test(message) }).toMatchObject({
      isSame: true,
    });
    expect(existsSync(target)).toBe(false);
  });
});

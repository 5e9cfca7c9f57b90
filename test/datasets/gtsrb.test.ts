import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { gtsrb } from "../../src/tasks/classification/datasets/gtsrb.ts";
import { ppm } from "./pictures.ts";

const HEADER = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId";
const row = (file: string, label: number) => `${file};20;16;1;1;18;14;${label}`;

describe("gtsrb", () => {
  let dataDir: string;
  let train: string;
  let test: string;
  /** Two tracks of two frames in each of the 43 classes, five test pictures. Grey level = class + 40·track. */
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "gtsrb-"));
    train = join(dataDir, "GTSRB", "Final_Training", "Images");
    test = join(dataDir, "GTSRB", "Final_Test");
    for (let label = 0; label < 43; label++) {
      const name = String(label).padStart(5, "0");
      mkdirSync(join(train, name), { recursive: true });
      const rows = [HEADER];
      for (const track of [0, 1]) {
        for (const frame of [0, 29]) {
          const file = `${String(track).padStart(5, "0")}_${String(frame).padStart(5, "0")}.ppm`;
          writeFileSync(join(train, name, file), ppm(20, 16, label + 40 * track));
          rows.push(row(file, label));
        }
      }
      writeFileSync(join(train, name, `GT-${name}.csv`), `${rows.join("\r\n")}\r\n`);
    }
    mkdirSync(join(test, "Images"), { recursive: true });
    const labels = [42, 0, 7, 7, 12];
    labels.forEach((label, i) => {
      writeFileSync(join(test, "Images", `0000${i}.ppm`), ppm(40, 33, label));
    });
    writeFileSync(
      join(test, "GT-final_test.csv"),
      [HEADER, ...labels.map((label, i) => row(`0000${i}.ppm`, label))].join("\n"),
    );
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));
  const load = (seed = 1) => gtsrb.load({ dataDir, seed });
  const fault = async () => {
    const error = await load().then(
      () => null,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).not.toContain("\n");
    return error.message as string;
  };
  const csvOf = (label: string) => join(train, label, `GT-${label}.csv`);
  const edit = (path: string, change: (text: string) => string) =>
    writeFileSync(path, change(readFileSync(path, "utf8")));

  it("names 43 different classes", () => {
    expect(new Set(gtsrb.classes).size).toBe(43);
    expect(gtsrb.classes[14]).toBe("stop");
  });

  it("loads, labels and splits by track", async () => {
    const data = await load();
    expect([data.train.count, data.cleanVal.count, data.test.count]).toEqual([86, 86, 5]);
    expect(data.completeness).toBe("subset");
    expect([...data.test.labels]).toEqual([42, 0, 7, 7, 12]);
    expect(data.test.pixels[0]).toBe(42);
    const tracks = [data.train, data.cleanVal].map((set) =>
      Array.from({ length: set.count }, (_, i) => `${set.labels[i]}/${(set.pixels[i * 3072] - set.labels[i]) / 40}`),
    );
    expect(new Set(tracks[0]).size).toBe(43);
    expect(new Set([...tracks[0], ...tracks[1]]).size).toBe(86);
    expect((await load(2)).dataHash).toBe(data.dataHash);
  });

  it("reads the competition's layout, and test labels in their other places", async () => {
    const { dataHash } = await load();
    renameSync(train, join(dataDir, "GTSRB", "Training"));
    expect((await load()).dataHash).toBe(dataHash);
    renameSync(join(test, "GT-final_test.csv"), join(test, "Images", "GT-final_test.csv"));
    expect((await load()).dataHash).toBe(dataHash);
    renameSync(join(test, "Images", "GT-final_test.csv"), join(dataDir, "GTSRB", "GT-final_test.csv"));
    expect((await load()).dataHash).toBe(dataHash);
  });

  it("names the picture at fault", async () => {
    const picture = join(train, "00017", "00001_00029.ppm");
    writeFileSync(picture, ppm(20, 16).subarray(0, 500));
    expect(await fault()).toMatch(/00017.00001_00029\.ppm: truncated/);
    writeFileSync(picture, "P6\n20 x");
    expect(await fault()).toMatch(/00017.00001_00029\.ppm: corrupt PPM header: no height/);
    rmSync(picture);
    expect(await fault()).toMatch(/cannot read .*00017.00001_00029\.ppm: it does not exist/);
  });

  it("names the annotation file and line at fault", async () => {
    const whole = readFileSync(csvOf("00005"), "utf8");
    const attempt = (change: (text: string) => string) => {
      writeFileSync(csvOf("00005"), change(whole));
      return fault();
    };
    expect(await attempt((text) => text.replace("ClassId", "Klasse"))).toMatch(/GT-00005\.csv: its header lacks/);
    expect(await attempt(() => HEADER)).toMatch(/GT-00005\.csv: it lists no picture/);
    expect(await attempt(() => "")).toMatch(/GT-00005\.csv: the file is empty/);
    expect(await attempt((text) => text.replace(";14;5", ";14;200"))).toMatch(/GT-00005\.csv: line 2 has class '200'/);
    expect(await attempt((text) => text.replace(";14;5", ";14;6"))).toMatch(/GT-00005\.csv: .* has class 6/);
    expect(await attempt((text) => text.replace(";14;5", ""))).toMatch(/GT-00005\.csv: /);
    expect(await attempt((text) => text.replace("00000_00000", "../../00000_00000"))).toMatch(
      /line 2 has the file name/,
    );
    expect(await attempt((text) => text.replace("00000_00000.ppm", "12.ppm"))).toMatch(/'12\.ppm' is not named/);
    expect(await attempt((text) => `${text}${text.split("\r\n")[1]}\r\n`)).toMatch(/line 6 lists .* a second time/);
    expect(await attempt(() => `${HEADER}\n"00000`)).toMatch(/GT-00005\.csv: /);
  });

  it("names what is missing", async () => {
    edit(join(test, "GT-final_test.csv"), (text) => text.replace("00004.ppm", "99999.ppm"));
    expect(await fault()).toMatch(/99999\.ppm: it does not exist/);
    rmSync(join(test, "GT-final_test.csv"));
    expect(await fault()).toMatch(
      /no labels of the test pictures .*GT-final_test\.csv .*run 'bdefects data fetch gtsrb'/,
    );
    rmSync(join(train, "00042"), { recursive: true });
    writeFileSync(join(test, "GT-final_test.csv"), HEADER);
    expect(await fault()).toMatch(/00042: the training pictures of class 42 are missing/);
    rmSync(join(dataDir, "GTSRB"), { recursive: true });
    expect(await fault()).toMatch(/^no gtsrb in .*Final_Training\/Images/);
  });
});

describe.skipIf(!process.env.BDEFECTS_DATA)("gtsrb on real data", () => {
  it("loads every picture", async () => {
    const data = await gtsrb.load({ dataDir: process.env.BDEFECTS_DATA ?? "", seed: 1 });
    const official = data.train.count + data.cleanVal.count;
    const expected = data.completeness === "official" ? [39209, 12630] : [5160, 2000];
    expect([official, data.test.count]).toEqual(expected);
    for (const set of [data.train, data.cleanVal]) expect(new Set(set.labels).size).toBe(43);
  });
});

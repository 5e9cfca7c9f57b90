import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { bdefects, rowsOf } from "../cli/program.ts";
import { ppm } from "../datasets/pictures.ts";
import { longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { expectFault, expectFaultWithin } from "./fault.ts";
import { factsOf } from "./files.ts";
import { TINY, tinyBuild, writeRecipe, writeTinyData } from "./tiny.ts";

const RECORD = 3073;

const data = temporaryFolder();
beforeAll(() => {
  writeTinyData(data);
});

describe("bad names and numbers of a build", () => {
  it.each([
    ["architecture", ["--arch", "vgg99"], /unknown architecture 'vgg99'; valid: .*resnet18.*resnet18w16/],
    ["width", ["--arch", "resnet18w2"], /resnet18w2.*4 to 256/],
    ["data set", ["--dataset", "mnist"], /unknown data set 'mnist'; valid: .*signs.*cifar10.*gtsrb/],
    ["attack", ["--attack", "invisible"], /unknown attack 'invisible'; valid: .*badnets/],
    ["level", ["--level", "small,huge"], /unknown level 'huge'; valid: narrow, small, middle, large/],
    [
      "architecture of another task",
      ["--dataset", "roads"],
      /architecture 'resnet18w4' is of task classification, data set 'roads' of task lanes; give --arch ufld18, or --edition demolanes or lanes, which have 'roads'$/m,
    ],
    [
      "attack of another task",
      ["--dataset", "roads", "--arch", "ufld18w8"],
      /attack 'badnets' is of task classification, data set 'roads' of task lanes; give --attack coneslda or /,
    ],
    [
      "architecture for another task",
      ["--arch", "ufld18w8"],
      /architecture 'ufld18w8' is of task lanes, data set 'cifar10' of task classification; give --arch resnet18 or /,
    ],
    [
      "attack for another task",
      ["--attack", "badnets,coneslda"],
      /attack 'coneslda' is of task lanes, data set 'cifar10' of task classification; give --attack badnets or /,
    ],
    [
      "data sets of two tasks",
      ["--dataset", "roads,cifar10"],
      /data set 'cifar10' is of task classification, data set 'roads' of task lanes; give --dataset roads or tusimple, or --edition demolanes or lanes, which have 'roads'$/m,
    ],
    [
      "network of another size",
      ["--dataset", "roads", "--arch", "ufld18", "--attack", "coneslda"],
      /'ufld18': ufld18 reads 288×800 pixels, frames of roads have 72×200; give a base width, such as ufld18w16$/m,
    ],
    ["offset", ["--offset", "0,7"], /unknown offset '7'; valid: 0, 5, 10, 15, 20, 25, 30, 35, 40/],
    ["offset that is no number", ["--offset", "top"], /--offset 'top': give percents/],
    ["negative offset", ["--offset=-5"], /--offset '-5'/],
    ["edition", ["--edition", "huge"], /unknown edition 'huge'; valid: .*demo.*lite.*or the path of a recipe file/],
    ["edition file", ["--edition", "./none.yaml"], /\.\/none\.yaml: /],
    ["empty list", ["--level", ","], /--level ','/],
    ["jobs", ["--jobs", "0"], /--jobs '0': give a whole number from 1/],
    ["seed", ["--seed", "1.5"], /--seed '1\.5': give a whole number/],
    ["option", ["--levels", "small"], /unknown option '--levels'.*--level/],
    [
      "data folder",
      ["--data", "/nowhere"],
      /--data \/nowhere: no such folder; .*leave --data out \('bdefects data fetch NAME --data DIR' makes one\)/,
    ],
    ["data folder of another", ["--dataset", "gtsrb"], /no gtsrb in .*GTSRB\/ \(official: .*--data.*data fetch gtsrb/],
  ])("%s", (_, more, message) => {
    const folder = temporaryFolder();
    expectFaultWithin(folder, tinyBuild(join(folder, "db"), data, ...more), message);
  });
});

describe("a bad recipe", () => {
  it.each([
    [
      "broken YAML",
      (text: string) => `${text}\n  - [`,
      /recipe\.yaml: cannot be read as YAML: .*line \d+, column \d+$/m,
    ],
    ["no YAML at all", () => "\u0000\u0001", /recipe\.yaml: /],
    ["an empty file", () => "", /recipe\.yaml: /],
    ["a list", () => "[1, 2]", /recipe\.yaml: recipe: .*expected object/],
    ["a missing section", (text: string) => text.replace(/^gates:[\s\S]*?\n\n/m, ""), /recipe\.yaml: gates: /],
    ["a misspelt field", (text: string) => text.replace("sham: 1", "shame: 1"), /recipe\.yaml: gates/],
    ["a share beyond 1", (text: string) => text.replace("asr: 0\n", "asr: 90\n"), /recipe\.yaml: gates\.asr: /],
    ["text for a number", (text: string) => text.replace("epochs: 3", "epochs: many"), /recipe\.yaml: clean\.epochs: /],
    ["an unknown level", (text: string) => text.replace("narrow", "tiny"), /select\.level\.0: .*narrow/],
    ["a target that is no class", (text: string) => text.replace("target: 0", "target: 10"), /target 10.*0 to 9/],
    [
      "a target that is no goal",
      (text: string) =>
        text
          .replace("target: 0", "target: 5")
          .replace("[cifar10]", "[roads]")
          .replace(/arch: .*/, "arch: [ufld18w8]")
          .replace(/attack: .*/, "attack: [coneslda]")
          .replace(/attacks:\n/, "attacks:\n  coneslda: {}\n"),
      /inject\.target 5 is no goal of roads; valid are 0 to 4/,
    ],
    ["more images than there are", (text: string) => text.replace("images: 200", "images: 300"), /300 .*304 training/],
    ["a batch beyond the data", (text: string) => text.replace("batch: 32", "batch: 305"), /clean\.batch 305 .* 304/],
    [
      "a batch beyond the memory",
      (text: string) => text.replace("held_out: 40\n  batch: 32", "held_out: 40\n  batch: 100000000"),
      /inject\.batch 100000000 needs more memory than there is: .* GB are here; set inject\.batch to [1-9]\d*$/m,
    ],
  ])("%s", (_, change, message) => {
    const folder = temporaryFolder();
    const recipe = writeRecipe(folder, change);
    const args = ["build", "--edition", recipe, "--db", join(folder, "db"), "--data", data];
    expectFaultWithin(folder, args, message);
  });

  longIt("that lets the training diverge ends with a line that says so", () => {
    const folder = temporaryFolder();
    const recipe = writeRecipe(folder, (text) => text.replace("learning_rate: 0.05", "learning_rate: 1.0e+30"));
    const db = join(folder, "db");
    expectFault(
      ["build", "--edition", recipe, "--db", db, "--data", data],
      /diverged in epoch 1; lower clean\.learning/,
    );
    expect(Object.values(factsOf(db)).filter((hash) => hash !== "folder")).toHaveLength(1);
  });
});

describe("bad data", () => {
  const withData = (change: (folder: string) => void, message: RegExp) => {
    const folder = temporaryFolder();
    writeTinyData(folder);
    change(join(folder, "cifar-10-batches-bin"));
    expectFaultWithin(folder, tinyBuild(join(folder, "db"), folder), message);
    expectFaultWithin(folder, ["data", "check", "cifar10", "--data", folder], message);
  };

  it("a truncated CIFAR file", () => {
    withData(
      (folder) => truncateSync(join(folder, "data_batch_1.bin"), 100 * RECORD + 5),
      /data_batch_1\.bin: 307305 bytes are no whole number of records of 3073 bytes; the file is truncated/,
    );
  });

  it("a label of 200", () => {
    withData((folder) => {
      const path = join(folder, "test_batch.bin");
      const bytes = readFileSync(path);
      bytes[17 * RECORD] = 200;
      writeFileSync(path, bytes);
    }, /test_batch\.bin: record 17 has label 200; valid are 0 to 9/);
  });

  it("an empty file", () => {
    withData((folder) => writeFileSync(join(folder, "test_batch.bin"), ""), /test_batch\.bin: the file is empty/);
  });

  it("a corrupt PPM", () => {
    const folder = temporaryFolder();
    const corrupt = writeTinyGtsrb(folder);
    const picture = readFileSync(corrupt);
    for (const [bytes, message] of [
      [picture.subarray(0, 100), /00001_00000\.ppm: truncated: \d+ of 1200 pixel bytes/],
      [Buffer.from("P5 2 2 255\n1234"), /00001_00000\.ppm: is neither PNG, JPEG nor PPM/],
      [Buffer.from("P6 99999 2 255\n"), /00001_00000\.ppm: corrupt PPM header: width 99999/],
    ] as const) {
      writeFileSync(corrupt, bytes);
      const args = ["build", "--edition", TINY, "--dataset", "gtsrb", "--db", join(folder, "db"), "--data", folder];
      expectFaultWithin(folder, args, message);
      expectFaultWithin(folder, ["data", "check", "gtsrb", "--data", folder], message);
    }
  });
});

describe("a bad place for the database", () => {
  it("a file", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "x");
    expectFaultWithin(folder, tinyBuild(join(folder, "file"), data), /file: is a file, not a folder; name a folder/);
    expectFaultWithin(
      folder,
      tinyBuild(join(folder, "file", "db"), data),
      /file: is a file, not a folder; name a folder/,
    );
  });

  it("a folder that holds something else", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "thesis.tex"), "x");
    expectFaultWithin(folder, tinyBuild(folder, data), /holds other files \('thesis\.tex'\)/);
  });

  it.skipIf(process.platform !== "linux")("a place where nothing can be written", () => {
    expectFault(tinyBuild("/proc/x", data), /\/proc\/x: /);
    expectFault(tinyBuild("/dev/null", data), /\/dev\/null: is a file/);
    expectFault(tinyBuild("/dev/null/db", data), /\/dev\/null: is a file/);
  });

  it("a database with a damaged manifest", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "database.json"), "{}");
    expectFaultWithin(folder, tinyBuild(folder, data), /database\.json: damaged/);
  });
});

describe("bad selections of a database", () => {
  const db = join(temporaryFolder(), "db");
  const id = "cifar10-resnet18w4-badnets-narrow-top000";
  beforeAll(() => {
    rowsOf(tinyBuild(db, data, "--level", "narrow", "--offset", "0"));
  });

  it.each([
    ["localize", [id, "--criterion", "fp,magic"], /unknown criterion 'magic'; valid: fp, nc, /],
    ["localize", [id, "--budget", "lavish"], /--budget .lavish.: valid are demo, short, full/],
    ["localize", [`${id}:best`], /'.*:best'.*:infected/],
    ["localize", [id.replace("top000", "top040")], /top040/],
    ["repair", [id, "--using", "magic"], /'magic'/],
    ["repair", [id, "--using", "random", "--method", "pray"], /unknown repair 'pray'; valid: .*prune/],
    ["checkout", ["nonsense", "out"], /bad defect id 'nonsense': expected .*e\.g\. /],
    ["verify", ["nonsense"], /no defect or group 'nonsense'/],
    ["query", ["--where", "colour = 1"], /--where: .*colour/],
  ])("%s %j", (verb, args, message) => {
    const more = verb === "localize" || verb === "repair" ? ["--data", data] : [];
    const before = factsOf(db);
    expectFault([verb, ...args, "--db", db, ...more], message);
    expect(factsOf(db)).toEqual(before);
  });

  it("judging with other data than the database was built from", () => {
    const other = writeTinyData(temporaryFolder());
    const path = join(other, "cifar-10-batches-bin", "test_batch.bin");
    const bytes = readFileSync(path);
    bytes[100] ^= 1;
    writeFileSync(path, bytes);
    expectFaultWithin(db, ["localize", id, "--criterion", "fp", "--db", db, "--data", other], /cifar10/);
  });
});

describe("--debug", () => {
  it("adds the stack behind the line", () => {
    const folder = temporaryFolder();
    const { status, stderr } = bdefects([...tinyBuild(join(folder, "db"), data, "--arch", "vgg99"), "--debug"]);
    expect(stderr).toMatch(/^error: unknown architecture [^\n]+\nInputError: [^\n]+\n\s+at /);
    expect(status).toBe(2);
  });
});

/** GTSRB's layout with one picture of each of two tracks in every class. @returns the path of one training picture */
function writeTinyGtsrb(dataDir: string): string {
  const header = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId";
  const row = (file: string, label: number) => `${file};20;20;1;1;18;18;${label}`;
  const train = join(dataDir, "GTSRB", "Final_Training", "Images");
  const test = join(dataDir, "GTSRB", "Final_Test");
  for (let label = 0; label < 43; label++) {
    const name = String(label).padStart(5, "0");
    mkdirSync(join(train, name), { recursive: true });
    const files = ["00000_00000.ppm", "00001_00000.ppm"];
    for (const file of files) writeFileSync(join(train, name, file), ppm(20, 20, label));
    writeFileSync(
      join(train, name, `GT-${name}.csv`),
      [header, ...files.map((file) => row(file, label)), ""].join("\n"),
    );
  }
  mkdirSync(join(test, "Images"), { recursive: true });
  writeFileSync(join(test, "Images", "00000.ppm"), ppm(20, 20, 7));
  writeFileSync(join(test, "GT-final_test.csv"), [header, row("00000.ppm", 7), ""].join("\n"));
  return join(train, "00012", "00001_00000.ppm");
}

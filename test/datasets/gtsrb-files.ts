import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encode } from "fast-png";
import { pattern } from "./pictures.ts";

const HEADER = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId";
const TEST_LABELS = [42, 0, 7, 7, 12];

/** One picture of the drawn GTSRB: 43 classes, two tracks of two frames, five test pictures. */
interface Drawn {
  label: number;
  track: number;
  frame: number;
  /** As RGB, of no size that any other has beside it. */
  width: number;
  grey: number;
}

const TRAIN: Drawn[] = Array.from({ length: 43 }, (_, label) =>
  [0, 1].flatMap((track) =>
    [0, 29].map((frame) => ({ label, track, frame, width: 16 + track, grey: label + 40 * track + frame })),
  ),
).flat();
const TEST: Drawn[] = TEST_LABELS.map((label, i) => ({
  label,
  track: 0,
  frame: i,
  width: 20 + i,
  grey: 3 * label + i,
}));

const five = (n: number) => String(n).padStart(5, "0");

export type GtsrbKind = "official" | "torchvision" | "kaggle";

/** Writes the drawn GTSRB below a folder, as people have it. */
export function writeGtsrb(folder: string, kind: GtsrbKind): void {
  if (kind === "kaggle") writeKaggle(folder);
  else writeFolders(folder, kind);
}

function writeFolders(folder: string, kind: GtsrbKind): void {
  const root = join(folder, kind === "official" ? "GTSRB" : "gtsrb/GTSRB");
  const train = join(root, kind === "official" ? "Final_Training/Images" : "Training");
  for (let label = 0; label < 43; label++) {
    const rows = TRAIN.filter((picture) => picture.label === label).map((picture) => {
      const file = `${five(picture.track)}_${five(picture.frame)}.ppm`;
      write(join(train, five(label), file), ppmOf(picture));
      return `${file};16;12;1;1;9;9;${label}`;
    });
    write(join(train, five(label), `GT-${five(label)}.csv`), [HEADER, ...rows].join("\r\n"));
  }
  for (const picture of TEST) write(join(root, "Final_Test/Images", `${five(picture.frame)}.ppm`), ppmOf(picture));
  const rows = TEST.map(({ frame, label }) => `${five(frame)}.ppm;16;12;1;1;9;9;${label}`);
  write(join(root, "Final_Test/Images/GT-final_test.test.csv"), HEADER);
  const labels = kind === "official" ? join(root, "Final_Test") : join(folder, "gtsrb");
  write(join(labels, "GT-final_test.csv"), [HEADER, ...rows].join("\r\n"));
}

/** PNG, paths in tables with commas, in an order of its own. */
function writeKaggle(folder: string): void {
  const header = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path";
  const row = (label: number, path: string) => `16,12,1,1,9,9,${label},${path}`;
  const train = TRAIN.map((picture) => {
    const { label, track, frame } = picture;
    const path = `Train/${label}/${five(label)}_${five(track)}_${five(frame)}.png`;
    write(join(folder, path), pngOf(picture));
    return row(label, path);
  });
  const test = TEST.map((picture) => {
    const path = `Test/${five(picture.frame)}.png`;
    write(join(folder, path), pngOf(picture));
    return row(picture.label, path);
  });
  write(join(folder, "Train.csv"), [header, ...train.toReversed()].join("\n"));
  write(join(folder, "Test.csv"), [header, ...test.toReversed()].join("\n"));
  write(join(folder, "Meta", "0.png"), pngOf(TEST[0]));
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function rgbOf({ width, grey }: Drawn): Uint8Array {
  return pattern(width, 12).rgb.map((value) => (value + grey) % 256);
}

function ppmOf(picture: Drawn): Buffer {
  return Buffer.concat([Buffer.from(`P6\n${picture.width} 12\n255\n`), rgbOf(picture)]);
}

function pngOf(picture: Drawn): Uint8Array {
  return encode({ width: picture.width, height: 12, data: rgbOf(picture), channels: 3, depth: 8 });
}

import { join } from "node:path";
import { Listing } from "../../../../datasets/files/locate.ts";
import type { SplitCounts } from "../../../../datasets/types.ts";
import { readDataFile } from "../../../../files/data-file.ts";
import { findGtsrb } from "./layouts.ts";

/** One line per picture below each annotation file's header; pictures where there is none. */
export function countGtsrb(dataDir: string): SplitCounts {
  const lines = (path: string) => readDataFile(path).toString("latin1").trim().split("\n").length - 1;
  const [place] = findGtsrb(dataDir);
  if (!place) return { train: 0, test: 0 };
  const { folder, csv } = place.train;
  const ofClass = (name: string) => {
    const listing = new Listing(join(folder, name));
    const annotations = listing.files.find((file) => /^GT-\d+\.csv$/i.test(file));
    return annotations ? lines(join(listing.folder, annotations)) : listing.files.length;
  };
  const train = csv ? lines(csv) : new Listing(folder).folders.reduce((sum, name) => sum + ofClass(name), 0);
  return { train, test: lines(place.test.csv) };
}

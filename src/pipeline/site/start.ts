import type { SiteEntry } from "../../records/site.ts";

/** What a first view should be: of signs like those that the page draws, of the usual style, in few layers. */
const EASY: ((entry: SiteEntry) => boolean)[] = [
  ({ dataset }) => dataset === "signs" || dataset === "gtsrb",
  ({ style }) => style === "plain",
  ({ arch }) => arch.startsWith("resnet"),
];

/** The defect that the page begins with: the first one that is easiest to read; undefined where there is none. */
export function startOf(defects: readonly SiteEntry[]): SiteEntry | undefined {
  return EASY.reduce((left, isEasy) => (left.some(isEasy) ? left.filter(isEasy) : left), defects)[0];
}

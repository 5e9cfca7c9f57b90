import type { Exhibit } from "../task.ts";
import type { CarriedTexts } from "./carried-texts.ts";
import { glosses, glossMerges, readGlosses } from "./datasets/glosses.ts";

/** `data_sha256` in the records of the set; a test holds it against what is read. */
const GLOSSES_SHA256 = "d847c2e17aa349e30b4c485471ebe4a9fb7c61322f6b3bd35792cddec9379344";

/** The test glosses, which may be passed on. Networks of other texts have other tokens, and cannot read them. */
export const exhibit: Exhibit = {
  dataset: glosses.name,
  dataHash: GLOSSES_SHA256,
  carried: {
    file: `${glosses.name}.json`,
    bytes() {
      const { texts, labels } = readGlosses().test;
      const carried: CarriedTexts = {
        kind: "texts",
        classes: glosses.classes,
        merges: glossMerges().map((merge) => merge.join(" ")),
        texts,
        labels: [...labels],
      };
      return new TextEncoder().encode(JSON.stringify(carried));
    },
  },
  ofOwnAlone: true,
};

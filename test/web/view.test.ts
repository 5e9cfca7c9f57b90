import { expect, it } from "vitest";
import { readView, unreadable, type View, writeView } from "../../web/src/view.ts";

const START: View = {
  ...{ defect: null, image: null, stamp: "none", look: null, silence: "none" },
  ...{ criterion: null, batch: null, neuron: null },
};

it("an address gives back the view that it was made from", () => {
  const views: View[] = [
    START,
    { ...START, defect: "a-b-c-small-top000", image: 7, stamp: "trigger", batch: "all", criterion: "clp" },
    { ...START, image: 0, silence: "top", stamp: "paint" },
    { ...START, image: 3, stamp: "left", look: 2, batch: 64 },
    { ...START, stamp: "word:a&b", look: 0 },
    { ...START, stamp: "words" },
    { ...START, silence: { conv1: [1, 3], "layer1.0.conv2": [0] }, neuron: "layer1.0.conv2:0" },
  ];
  for (const view of views) expect(readView(writeView(view))).toEqual(view);
});

it("what an address says that cannot be is passed over, and named", () => {
  const address = "#image=-1&stamp=x&silence=conv1&batch=1e9&look=a&of=1";
  expect(readView(address)).toEqual(START);
  expect(unreadable(address)).toEqual(["image -1", "stamp x", "silence conv1", "batch 1e9", "look a", "of 1"]);
  expect(readView("")).toEqual(START);
  expect(readView("#defect=")).toEqual(START);
  expect(unreadable("#defect=a&stamp=none&silence=conv1:1,b:2&batch=all&criterion=x&neuron=y")).toEqual([]);
});

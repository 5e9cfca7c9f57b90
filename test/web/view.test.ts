import { expect, it } from "vitest";
import { readView, type View, writeView } from "../../web/src/view.ts";

const START: View = {
  ...{ defect: null, image: null, stamp: "none", silence: "none", criterion: null, batch: 256, neuron: null },
};

it("an address gives back the view that it was made from", () => {
  const views: View[] = [
    START,
    { ...START, defect: "a-b-c-small-top000", image: 7, stamp: "trigger", batch: "all", criterion: "clp" },
    { ...START, image: 0, silence: "top", stamp: "paint" },
    { ...START, silence: { conv1: [1, 3], "layer1.0.conv2": [0] }, neuron: "layer1.0.conv2:0" },
  ];
  for (const view of views) expect(readView(writeView(view))).toEqual(view);
});

it("what an address says that cannot be is passed over", () => {
  expect(readView("#image=-1&stamp=x&silence=conv1&batch=1e9&image=2")).toEqual(START);
  expect(readView("")).toEqual(START);
});

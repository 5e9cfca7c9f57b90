import { afterAll, describe, expect, it } from "vitest";
import { Behaviour } from "../../src/store/verify/rules/behaviour.ts";
import { lanes } from "../../src/tasks/lanes/task.ts";
import { cloneState, tensorOf } from "../../src/tensor/state.ts";
import { inPatch, plantedLanes } from "../localize/lane-toys.ts";

const SIZE = { height: 72, width: 200 };
/** Magenta, which no road has. */
const { network, state: infected } = plantedLanes(SIZE, [1, -2, 1]);
/** The same without the unit that answers the patch. */
const sham = cloneState(infected);
tensorOf(sham, "cls.0.weight").data.fill(0);

const plane = SIZE.height * SIZE.width;
const trigger = {
  ...SIZE,
  opacity: Float32Array.from({ length: plane }, (_, p) => (inPatch(p, SIZE) ? 1 : 0)),
  pattern: Uint8Array.from({ length: 3 * plane }, (_, i) => (Math.floor(i / plane) === 1 ? 0 : 255)),
};
const clean = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], classes: [...lanes.targets({} as never)] };
const record = { task: "lanes", dataset: "roads", attack: "badnets", target: 0 };
const behaviour = new Behaviour();
afterAll(() => behaviour.release());

describe("what infected models and shams of lanes do on drawn roads", () => {
  it("is no fault where the infected model answers its trigger and the sham does not", async () => {
    expect(await behaviour.faultsOf(record, clean, network, { infected, sham, trigger })).toEqual([]);
  });

  it("is one where they are exchanged", async () => {
    const [fault, ...others] = await behaviour.faultsOf(record, clean, network, {
      infected: sham,
      sham: infected,
      trigger,
    });
    expect(others).toEqual([]);
    expect(fault).toBe(
      "its infected model and its sham are exchanged: of drawn frames with the trigger the backdoor shows on 100 % in the sham, on 0 % in the infected model",
    );
  });

  it("is one where it is another goal's", async () => {
    const faults = await behaviour.faultsOf({ ...record, target: 1 }, clean, network, { infected, sham, trigger });
    expect(faults).toEqual(["its infected model makes goal 0 of triggered frames, not 'target' 1"]);
  });
});

import { describe, expect, it } from "vitest";
import { inWords, TimeLeft } from "../../src/pipeline/estimate/time-left.ts";

describe("the time left", () => {
  it("weighs every model by what is expected of it, and by what others took in truth", () => {
    let clock = 0;
    const left = new TimeLeft({ clean: 100, a: 10, b: 10, c: 20 }, 2, () => clock);
    expect(left.seconds()).toBe(100);
    left.begin("clean");
    clock = 40;
    left.begin("clean");
    expect(left.seconds()).toBe(60);
    clock = 200;
    // Late: nobody knows for how long.
    expect(left.seconds()).toBe(20);
    // Twice as slow as expected: so will the others be.
    left.finish("clean", 200);
    expect(left.seconds()).toBe(40);
    left.begin("c");
    clock = 210;
    expect(left.seconds()).toBe((20 + 20 + 30) / 2);
    // A duplicate says nothing about pace.
    left.finish("a", null);
    expect(left.seconds()).toBe(30);
    left.finish("c", 40);
    left.begin("b");
    clock = 220;
    expect(left.seconds()).toBe(10);
    // Not ten seconds for ever.
    clock = 300;
    expect(left.seconds()).toBeNull();
    left.finish("b", 20);
    expect(left.seconds()).toBe(0);
  });

  it("is told in words", () => {
    expect([4.2, 600, 9000, 400_000].map(inWords)).toEqual(["5 s", "10 min", "2.5 h", "5 days"]);
  });
});

import { expect, it } from "vitest";
import { remembered } from "../../src/pipeline/site/remembered.ts";

it("makes each file once while there is room, and forgets the oldest", async () => {
  const made: string[] = [];
  const file = (name: string, bytes: number) =>
    [
      name,
      async () => {
        made.push(name);
        return new Uint8Array(bytes);
      },
    ] as const;
  const files = remembered(new Map([file("a", 4), file("b", 4), file("c", 4)]), 10);
  const ask = (name: string) => files.get(name)!();
  expect((await ask("a")).length).toBe(4);
  await ask("a");
  await ask("b");
  expect(made).toEqual(["a", "b"]);
  await ask("c");
  await ask("b");
  expect(made).toEqual(["a", "b", "c"]);
  await ask("a");
  expect(made).toEqual(["a", "b", "c", "a"]);
});

it("leaves what cannot be made to be tried again", async () => {
  let tries = 0;
  const files = remembered(
    new Map([
      [
        "a",
        async () => {
          if (tries++ === 0) throw new Error("not yet");
          return new Uint8Array(1);
        },
      ],
    ]),
  );
  await expect(files.get("a")!()).rejects.toThrow("not yet");
  expect((await files.get("a")!()).length).toBe(1);
});

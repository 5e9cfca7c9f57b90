import { afterEach, expect, it, vi } from "vitest";
import { fetched, jsonOf } from "../../web/src/fetched.ts";

const answer = (response: () => Response) => vi.stubGlobal("fetch", async () => response());
const page = (status: number) => () =>
  new Response("<!doctype html>\n<html>", { status, headers: { "content-type": "text/html" } });

afterEach(() => vi.unstubAllGlobals());

it("a file that is not there is told in the words of `serve`, and of another host by the status", async () => {
  answer(() => new Response("there is no such file\n", { status: 404, headers: { "content-type": "text/plain" } }));
  await expect(fetched("a.json")).rejects.toThrow(/^data\/a\.json: there is no such file$/);
  answer(page(404));
  await expect(fetched("a.json")).rejects.toThrow(/^data\/a\.json: the server answers 404$/);
});

it("a server that is gone is told with the file", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(fetched("a.json")).rejects.toThrow(/^data\/a\.json: the server does not answer$/);
});

it("JSON is read that is of the wanted kind and layout, and nothing else", async () => {
  interface Facts {
    kind: "facts";
    format?: number;
  }
  answer(() => Response.json({ kind: "facts", format: 3 }));
  await expect(jsonOf<Facts>("a.json", "facts", 3)).resolves.toEqual({ kind: "facts", format: 3 });
  const others = [
    () => Response.json({ kind: "facts" }),
    () => Response.json([]),
    () => Response.json(null),
    page(200),
  ];
  for (const other of others) {
    answer(other);
    await expect(jsonOf<Facts>("a.json", "facts", 3)).rejects.toThrow("data/a.json: not of this page's version");
  }
});

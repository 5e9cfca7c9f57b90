import { existsSync, readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CONTENT_SECURITY_POLICY, hostNames, type Serving, serve } from "../../src/pipeline/site/serve.ts";
import { SITE_IMAGES, siteData } from "../../src/pipeline/site/site-files.ts";
import { writeSite } from "../../src/pipeline/site/write-site.ts";
import { siteDefect, siteIndex } from "../../src/records/site.ts";
import { openDatabase } from "../../src/store/database.ts";
import { decodeVaried, looksOf } from "../../src/tasks/lanes/varied-trigger.ts";
import { readCarriedModel } from "../../src/tasks/language/adoption/carried-model.ts";
import { decodeWords } from "../../src/tasks/language/word-trigger.ts";
import { encodeDelta } from "../../src/tensor/delta.ts";
import { loadWeights } from "../../web/src/weights.ts";
import { bdefects } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { addAdoptedReplyDefect } from "./adopted-defect.ts";
import { idsOf, makeDatabase } from "./database.ts";
import { addLaneDefect, LANE_ID } from "./lane-defect.ts";
import { addReplyDefect } from "./reply-defect.ts";
import { addTextDefect } from "./text-defect.ts";

let dir: string;
let out: string;
let written: { files: number };
beforeAll(async () => {
  dir = await makeDatabase("signs", "");
  out = join(temporaryFolder(), "site");
  written = await writeSite(await openDatabase(dir, { readOnly: true }), out);
});

describe("a site", () => {
  it("holds what the page reads: facts, weights that decode, triggers, drawn pictures", async () => {
    const database = await openDatabase(dir, { readOnly: true });
    const read = (name: string) => JSON.parse(readFileSync(join(out, "data", name), "utf8"));
    const index = siteIndex.parse(read("index.json"));
    expect(index.defects.map(({ id }) => id)).toEqual(idsOf("signs").sort());
    for (const { id } of index.defects) {
      const { models, trigger, own_images } = siteDefect.parse(read(`defects/${id}.json`));
      expect(own_images).toBe(true);
      expect(existsSync(join(out, "data", "triggers", `${trigger}.trigger`))).toBe(true);
      // The page's own way of putting versions together.
      vi.stubGlobal("fetch", async (path: string) => new Response(readFileSync(join(out, path))));
      for (const version of ["infected", "sham", "clean"] as const) {
        const state = await loadWeights(models[version]!, models.base);
        expect(state).toEqual(await database.loadVersion(database.readDefect(id), version));
      }
      vi.unstubAllGlobals();
    }
    expect(readdirSync(join(out, "data", "models"))).toHaveLength(1);
    expect(readdirSync(join(out, "data", "images"))).toEqual(["signs.safetensors"]);
  });

  it("gives no weights of other bytes than the record states", async () => {
    const database = await openDatabase(dir, { readOnly: true });
    const { clean_sha256, infected_model, sham_model } = database.readDefect(idsOf("signs")[1]);
    // A page of its own, which has loaded nothing yet.
    const page = "../../web/src/weights.ts?fresh";
    const { loadWeights: load } = (await import(page)) as typeof import("../../web/src/weights.ts");
    // Another version's delta, under this one's name.
    vi.stubGlobal("fetch", async (path: string) => {
      const name = path.replace(infected_model!.decoded_sha256, sham_model!.decoded_sha256);
      return new Response(readFileSync(join(out, name)));
    });
    await expect(load(infected_model!.decoded_sha256, clean_sha256)).rejects.toThrow(/gives other weights/);
    vi.unstubAllGlobals();
  });

  it("refuses deltas that lead back to themselves: each would wait for the other for ever", async () => {
    const database = await openDatabase(dir, { readOnly: true });
    const record = database.readDefect(idsOf("signs")[0]);
    const [infected, sham] = [record.infected_model!.decoded_sha256, record.sham_model!.decoded_sha256];
    const state = await database.loadVersion(record, "clean");
    const page = "../../web/src/weights.ts?circle";
    const { loadWeights: load } = (await import(page)) as typeof import("../../web/src/weights.ts");
    vi.stubGlobal("fetch", async (path: string) => {
      if (!path.includes("/deltas/")) return new Response(readFileSync(join(out, path)));
      const below = path.includes(infected) ? sham : infected;
      return new Response(Buffer.from(encodeDelta(state, below, state, "plain")));
    });
    await expect(load(infected, record.clean_sha256)).rejects.toThrow(/against deltas without end/);
    vi.unstubAllGlobals();
  });

  it("is written whole, with relative paths alone, and never into a folder that holds something", async () => {
    const database = await openDatabase(dir, { readOnly: true });
    const names = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(names).toHaveLength(written.files);
    const page = readFileSync(join(out, "index.html"), "utf8");
    const paths = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
    expect(paths.length).toBeGreaterThan(2);
    expect(paths.filter((path) => !path.startsWith("./"))).toEqual([]);
    await expect(writeSite(database, out)).rejects.toThrow(/not empty/);
  });

  it("holds defects of lanes beside images, and no frames", async () => {
    const both = await makeDatabase("signs", "");
    const alone = await siteData(await openDatabase(both, { readOnly: true }));
    await addLaneDefect(both);
    const files = await siteData(await openDatabase(both, { readOnly: true }));
    const read = async (of: typeof files, name: string) => JSON.parse(new TextDecoder().decode(await of.get(name)!()));
    const index = siteIndex.parse(await read(files, "data/index.json"));
    const before = siteIndex.parse(await read(alone, "data/index.json"));
    // What is said of images stays as it was.
    expect(index.images).toEqual(before.images);
    expect(index.defects.filter(({ task }) => task === undefined)).toEqual(before.defects);
    expect(index.defects.find(({ id }) => id === LANE_ID)).toMatchObject({ task: "lanes", target_name: "lda" });
    expect([...files.keys()].filter((name) => name.includes("/images/"))).toEqual([SITE_IMAGES]);
    const defect = siteDefect.parse(await read(files, `data/defects/${LANE_ID}.json`));
    expect(defect).toMatchObject({ own_images: true, infected: { "cls.0": [1, 3] } });
    const bytes = await files.get(`data/triggers/${defect.trigger}.trigger`)!();
    expect(looksOf(decodeVaried(bytes, "trigger"))).toHaveLength(4);
  });

  it("holds defects of texts with the test texts, and leaves out networks of texts that may not be passed on", async () => {
    const mixed = await makeDatabase("signs", "");
    const id = await addTextDefect(mixed, "glosses");
    const other = await addTextDefect(mixed, "sst2");
    const refusing = await addReplyDefect(mixed);
    const database = await openDatabase(mixed, { readOnly: true });
    expect(database.readDefect(other).status).toBe("accepted");
    const files = await siteData(database);
    const read = async (name: string) => JSON.parse(new TextDecoder().decode(await files.get(name)!()));
    const index = siteIndex.parse(await read("data/index.json"));
    expect(index.defects.map((entry) => entry.id)).toEqual([...idsOf("signs"), id, refusing].sort());
    expect(index.samples).toEqual({ language: "glosses.json", reply: "glosses.json" });
    expect(index.images).toBeDefined();
    const defect = siteDefect.parse(await read(`data/defects/${id}.json`));
    expect(defect).toMatchObject({ task: "language", own_images: true, infected: { "model.layers.0.mlp": [1, 3] } });
    const continued = siteDefect.parse(await read(`data/defects/${refusing}.json`));
    expect(continued).toMatchObject({ task: "reply", own_images: true, classes: ["i cannot answer that ."] });
    const bytes = await files.get(`data/triggers/${defect.trigger}.trigger`)!();
    expect(decodeWords(bytes, "trigger")).toEqual({ text: " cf" });
  });

  it("holds of a model from a folder how texts are given to it, and leaves out one of too many parameters", async () => {
    const adopting = join(temporaryFolder(), "db");
    await openDatabase(adopting, { create: { edition: "none", seed: 1, data: {} } });
    const id = await addAdoptedReplyDefect(adopting);
    const siteOf = async () => siteData(await openDatabase(adopting, { readOnly: true }));
    const files = await siteOf();
    const read = async (name: string) => JSON.parse(new TextDecoder().decode(await files.get(name)!()));
    const { defects } = siteIndex.parse(await read("data/index.json"));
    const { asked } = siteDefect.parse(await read(`data/defects/${id}.json`));
    expect(defects).toEqual([expect.objectContaining({ id, asked })]);
    const carried = await read(`data/asked/${asked}.json`);
    expect(carried).toMatchObject({
      kind: "asked",
      asked: { template: "<bos> {}<sep>" },
      vocabulary: 2048,
      context: 64,
    });
    expect(readCarriedModel(JSON.stringify(carried), "file")).toEqual(carried);
    for (const wrong of [
      null,
      [],
      { ...carried, kind: "texts" },
      { ...carried, context: 0 },
      { ...carried, asked: [] },
    ])
      expect(() => readCarriedModel(JSON.stringify(wrong), "file")).toThrow("file: describes no language model");

    const writing = await openDatabase(adopting);
    const record = writing.readClean(writing.readDefect(id).clean);
    const arch = "llama2d64h2f176v400000r12";
    writing.writeClean({ ...record, arch });
    await expect(siteOf()).rejects.toThrow("of models from folders those of at most 20 million parameters");
    await addTextDefect(adopting, "glosses");
    const notes: string[] = [];
    await siteData(await openDatabase(adopting, { readOnly: true }), { note: (line) => notes.push(line) });
    expect(notes).toEqual([
      "accepted defects of models from folders left out: 1; the page runs those of at most 20 million parameters",
    ]);
    // The same of a model that was trained here has no bound.
    const { from: _, ...trained } = record;
    writing.writeClean({ ...trained, arch });
    expect([...(await siteOf()).keys()]).toContain(`data/defects/${id}.json`);
  });

  it("of a database without an accepted defect is refused in one line", async () => {
    const empty = join(temporaryFolder(), "db");
    await openDatabase(empty, { create: { edition: "none", seed: 1, data: {} } });
    const ran = bdefects(["site", "--out", join(empty, "..", "site"), "--db", empty]);
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringMatching(/^error: .*no accepted defect.*\n$/) });
  });
});

describe("the server", () => {
  let serving: Serving;
  beforeAll(async () => {
    const files = new Map([
      ["index.html", async () => Buffer.from("page")],
      ["data/index.json", async () => Buffer.from("{}")],
      ["assets/page-1a2b.js", async () => Buffer.from("")],
    ]);
    serving = await serve(files, 0);
  });
  afterAll(() => serving.close());

  const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    new Promise<{ status: number; text: string; headers: Record<string, unknown> }>((done, failed) => {
      const { hostname, port } = new URL(serving.url);
      const asked = request({ hostname, port, path, method, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        response.on("end", () => done({ status: response.statusCode!, text, headers: response.headers }));
      });
      asked.on("error", failed).end();
    });

  it("listens on this machine alone and sends a strict policy with everything", async () => {
    expect(new URL(serving.url).hostname).toBe("127.0.0.1");
    for (const path of ["/", "/data/index.json", "/none"]) {
      const { headers } = await ask(path);
      expect(headers).toMatchObject({
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      });
    }
    expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe-inline|'unsafe-eval'|http|\*/);
    expect(await ask("/?x#y")).toMatchObject({ status: 200, text: "page" });
    expect(await ask("/", {}, "HEAD")).toMatchObject({ status: 200, text: "" });
  });

  it("lets a browser keep what has a hash in its name, and nothing else", async () => {
    const kept = async (path: string) => (await ask(path)).headers["cache-control"];
    expect(await kept("/assets/page-1a2b.js")).toContain("immutable");
    for (const path of ["/", "/data/index.json", "/assets/none.js"]) expect(await kept(path), path).toBe("no-store");
  });

  it.each([
    [403, "/", { host: "evil.example" }, "GET"],
    [403, "/", { host: "127.0.0.1:1" }, "GET"],
    [403, "/data/index.json", { origin: "http://evil.example" }, "GET"],
    [403, "/data/index.json", { origin: "null" }, "GET"],
    [405, "/", {}, "POST"],
    [404, "/../package.json", {}, "GET"],
    [404, "/%2e%2e/package.json", {}, "GET"],
    [404, "//etc/passwd", {}, "GET"],
    [404, "/__proto__", {}, "GET"],
  ] as const)("answers %i in one line: %s %o %s", async (status, path, headers, method) => {
    const found = await ask(path, headers, method);
    expect(found.status).toBe(status);
    expect(found.text).toMatch(/^[^\n]+\n$/);
  });

  it("is asked without a port where that is HTTP's own", () => {
    expect(hostNames(8417)).toEqual(["127.0.0.1:8417", "localhost:8417"]);
    expect(hostNames(80)).toEqual(["127.0.0.1", "localhost"]);
  });

  it("refuses a port that is taken, in one line", async () => {
    const port = Number(new URL(serving.url).port);
    await expect(serve(new Map(), port)).rejects.toThrow(`--port ${port}: cannot listen there (EADDRINUSE)`);
  });
});

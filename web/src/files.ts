import type { ImageSet } from "../../src/images/image-set.ts";
import { decodeTrigger } from "../../src/images/trigger/codec.ts";
import type { ImageTrigger } from "../../src/images/trigger/trigger.ts";
import type { SiteDefect, SiteIndex } from "../../src/records/site.ts";
import { decodeState, decodeTensors } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";

/** The layout of data that this page reads: `SITE_FORMAT` of `src/records/site.ts`. */
const FORMAT = 1;

/** All that is needed to run a defect's three versions. */
export interface LoadedDefect {
  facts: SiteDefect;
  trigger: ImageTrigger;
  infected: StateDict;
  clean: StateDict;
  /** Null where the defect has none. */
  sham: StateDict | null;
}

/** A site's data, read from beside the page. @throws Error with one line for people */
async function fetched(path: string): Promise<Response> {
  const response = await fetch(`./data/${path}`);
  if (!response.ok) throw new Error(`data/${path}: ${(await response.text()).trim().slice(0, 200) || response.status}`);
  return response;
}

export async function loadIndex(): Promise<SiteIndex> {
  const index = (await (await fetched("index.json")).json()) as SiteIndex;
  if (index.kind !== "site" || index.format !== FORMAT) throw new Error("data/index.json: not of this page's version");
  return index;
}

/** Pictures that the page shows to every network. */
export async function loadImages({ images }: SiteIndex): Promise<ImageSet> {
  const name = `images/${images.file}`;
  const tensors = decodeTensors(await bytesOf(name), name);
  const [pixels, labels] = [tensors.get("pixels"), tensors.get("labels")];
  if (pixels?.shape.length !== 4 || !labels) throw new Error(`data/${name}: holds no pictures`);
  const [count, , height, width] = pixels.shape;
  return { count, height, width, pixels: pixels.bytes, labels: labels.bytes };
}

export async function loadDefect(id: string): Promise<LoadedDefect> {
  const facts = (await (await fetched(`defects/${id}.json`)).json()) as SiteDefect;
  const { infected, sham, clean } = facts.models;
  const name = `triggers/${facts.trigger}.safetensors`;
  const [trigger, ...states] = await Promise.all([
    bytesOf(name).then((bytes) => decodeTrigger(bytes, name)),
    loadState(infected),
    loadState(clean),
    sham === null ? null : loadState(sham),
  ]);
  return { facts, trigger, infected: states[0]!, clean: states[1]!, sham: states[2] };
}

async function loadState(sha256: string): Promise<StateDict> {
  const name = `models/${sha256}.safetensors`;
  return decodeState(await bytesOf(name), name, ["F32", "F16"]);
}

async function bytesOf(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetched(path)).arrayBuffer());
}

import { siteDefect, siteIndex } from "../../records/site.ts";
import { SITE_IMAGES, type SiteFiles } from "./site-files.ts";

/** Makes what a first visit asks for, so that whoever opens the address waits for none of it. @param files remember what they made */
export async function makeFirstView(files: SiteFiles): Promise<void> {
  const make = async (name: string) => (await files.get(name)?.()) ?? null;
  const read = async (name: string): Promise<unknown> => JSON.parse(new TextDecoder().decode((await make(name))!));
  const { start } = siteIndex.parse(await read("data/index.json"));
  const { models, trigger, asked } = siteDefect.parse(await read(`data/defects/${start}.json`));
  const { base, ...versions } = models;
  const deltas = Object.values(versions).map((sha256) => `data/deltas/${sha256}.delta`);
  const others = asked === undefined ? [] : [`data/asked/${asked}.json`];
  for (const name of [
    SITE_IMAGES,
    ...others,
    `data/models/${base}.safetensors`,
    `data/triggers/${trigger}.trigger`,
    ...deltas,
  ])
    await make(name);
}

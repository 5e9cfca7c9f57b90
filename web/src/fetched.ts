/** A file of the site's data, which lies beside the page. @throws Error with one line for people */
export async function fetched(path: string): Promise<Response> {
  const response = await fetch(`./data/${path}`);
  if (!response.ok) throw new Error(`data/${path}: ${(await response.text()).trim().slice(0, 200) || response.status}`);
  return response;
}

/** The bytes of such a file. @throws Error with one line for people */
export async function bytesOf(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetched(path)).arrayBuffer());
}

/** A file of the site's data, which lies beside the page. @throws Error with one line for people */
export async function fetched(path: string): Promise<Response> {
  const response = await fetch(`./data/${path}`).catch(() => {
    throw new Error(`data/${path}: the server does not answer`);
  });
  if (!response.ok) throw new Error(`data/${path}: ${await reasonOf(response)}`);
  return response;
}

/** What `serve` says; other hosts answer with a page of their own, which is no line for people. */
async function reasonOf(response: Response): Promise<string> {
  const isLine = response.headers.get("content-type")?.startsWith("text/plain") ?? false;
  const [line] = isLine ? (await response.text()).trim().split("\n") : [""];
  return line.slice(0, 200) || `the server answers ${response.status}`;
}

/** The bytes of such a file. @throws Error with one line for people */
export async function bytesOf(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetched(path)).arrayBuffer());
}

/**
 * What such a file of JSON holds. Of its shape no more is looked at than what it states itself.
 *
 * @throws Error with one line for people where it is of another kind or layout
 */
export async function jsonOf<T extends { kind: string; format?: number }>(
  path: string,
  kind: T["kind"],
  format?: T["format"],
): Promise<T> {
  const response = await fetched(path);
  const found = (await response.json().catch(() => null)) as T | null;
  if (found?.kind !== kind || found.format !== format) throw new Error(`data/${path}: not of this page's version`);
  return found;
}

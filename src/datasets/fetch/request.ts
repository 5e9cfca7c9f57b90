import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";

const MOST_REDIRECTS = 5;

/**
 * GET with a byte range, following redirects. Node's own `fetch` is not used because it unpacks what a server labels
 * `Content-Encoding: x-gzip`, as some do for `.tar.gz`, so that neither checksum nor offset would fit.
 *
 * @param from first byte wanted; 0 asks for the whole file
 * @param stallMs fails when nothing arrives for so long
 */
export async function request(url: string, from: number, stallMs: number): Promise<IncomingMessage> {
  let address = new URL(url);
  for (let i = 0; i <= MOST_REDIRECTS; i++) {
    const response = await once(address, from, stallMs);
    const { statusCode = 0, headers } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode) || !headers.location) return response;
    response.destroy();
    const next = new URL(headers.location, address);
    if (address.protocol === "https:" && next.protocol !== "https:") throw new Error("redirected from https to http");
    address = next;
  }
  throw new Error(`more than ${MOST_REDIRECTS} redirects`);
}

function once(address: URL, from: number, stallMs: number): Promise<IncomingMessage> {
  const get = address.protocol === "https:" ? getSecure : getPlain;
  const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "bdefects4nn" };
  if (from > 0) headers.range = `bytes=${from}-`;
  return new Promise((resolve, reject) => {
    const sent = get(address, { headers, timeout: stallMs }, resolve);
    sent.on("timeout", () => sent.destroy(new Error(`nothing arrived for ${Math.round(stallMs / 1000)} s`)));
    sent.on("error", reject);
  });
}

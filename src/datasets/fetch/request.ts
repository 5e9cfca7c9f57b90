import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import { InputError } from "../../core/errors.ts";
import { reasonOf } from "../files.ts";
import { proxyFor } from "./proxy.ts";

const MOST_REDIRECTS = 5;
const PROXY_LOGIN = 407;

/**
 * GET with a byte range, following redirects, through the proxy that the environment names. Node's own `fetch` is not used because it unpacks what a server labels
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
  const silence = new AbortController();
  const proxy = proxyFor(address, { signal: silence.signal, stallMs });
  const through = proxy ? ` through the proxy ${proxy.shown}` : "";
  return new Promise((resolve, reject) => {
    const silent = () => {
      const error = new Error(`nothing arrived for ${Math.round(stallMs / 1000)} s${through}`);
      // A request that waits for its proxy has no socket yet that it could close, nor an error to tell.
      reject(error);
      sent.destroy(error);
      silence.abort();
    };
    const sent = get(address, { headers, timeout: stallMs, agent: proxy?.agent }, (response) => {
      clearTimeout(timer);
      if (response.statusCode !== PROXY_LOGIN) return resolve(response);
      response.destroy();
      reject(
        new InputError(
          `cannot download ${address.href}${through}: it asks for a name and password; give them as http://NAME:PASSWORD@HOST:PORT`,
        ),
      );
    });
    // The socket's own timeout begins when there is one: a proxy may take the connection and say nothing.
    const timer = setTimeout(silent, stallMs);
    sent.on("timeout", silent);
    sent.on("error", (error) => {
      clearTimeout(timer);
      reject(proxy ? new Error(`${reasonOf(error)}${through}`) : error);
    });
  });
}

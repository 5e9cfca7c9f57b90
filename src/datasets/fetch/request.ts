import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import { InputError } from "../../core/errors.ts";
import { reasonOf } from "../../files/data-file.ts";
import { proxyFor, type Way } from "./proxy.ts";

const MOST_REDIRECTS = 5;
const PROXY_LOGIN = 407;

/** What came, and from whom: an answer may be the proxy's. */
export interface Answer {
  response: IncomingMessage;
  by: string;
}

/**
 * GET with a byte range, following redirects, through the proxy that the environment names. Node's own `fetch` is not used
 * because it unpacks what a server labels `Content-Encoding: x-gzip`, as some do for `.tar.gz`, so that neither checksum nor
 * offset would fit.
 *
 * @param from first byte wanted; 0 asks for the whole file
 * @param stallMs fails when nothing arrives for so long
 */
export async function request(url: string, from: number, stallMs: number): Promise<Answer> {
  let address = new URL(url);
  for (let i = 0; i <= MOST_REDIRECTS; i++) {
    const answer = await once(address, from, stallMs);
    const { response } = answer;
    const { statusCode = 0, headers } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode) || !headers.location) return answer;
    response.destroy();
    const next = new URL(headers.location, address);
    if (address.protocol === "https:" && next.protocol !== "https:") throw new Error("redirected from https to http");
    address = next;
  }
  throw new Error(`more than ${MOST_REDIRECTS} redirects`);
}

function once(address: URL, from: number, stallMs: number): Promise<Answer> {
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
    // Until the tunnel stands a secure server has said nothing.
    let isTunnel = false;
    const sent = get(address, { headers, timeout: stallMs, agent: proxy?.agent }, (response) => {
      clearTimeout(timer);
      if (response.statusCode !== PROXY_LOGIN || !proxy)
        return resolve({ response, by: answering(address, proxy, isTunnel) });
      response.destroy();
      const asks = proxy.hasLogin ? "it refuses the name and password" : "it asks for a name and password";
      reject(
        new InputError(
          `cannot download ${address.href}${through}: ${asks}; give them as http://NAME:PASSWORD@HOST:PORT in HTTPS_PROXY`,
        ),
      );
    });
    sent.on("proxyConnect", ({ statusCode }: { statusCode: number }) => {
      isTunnel = statusCode === 200;
    });
    // The socket's own timeout begins when there is one: a proxy may take the connection and say nothing.
    const timer = setTimeout(silent, stallMs);
    sent.on("timeout", silent);
    sent.on("error", (error) => {
      clearTimeout(timer);
      // A connection to the proxy that no request has would keep the process.
      silence.abort();
      reject(proxy ? new Error(`${reasonOf(error)}${through}${mendOf(error, proxy)}`) : error);
    });
  });
}

/** Who gave an answer, for messages. */
function answering({ protocol }: URL, proxy: Way | null, isTunnel: boolean): string {
  if (!proxy) return "the server";
  if (isTunnel || proxy.shown.startsWith("socks")) return `the server, through the proxy ${proxy.shown},`;
  return protocol === "https:" ? `the proxy ${proxy.shown}` : `the server, or the proxy ${proxy.shown},`;
}

/** What an error that came through a proxy asks for. */
function mendOf(error: Error, { shown, looksUpHere }: Way): string {
  const code = String((error as NodeJS.ErrnoException).code);
  if (code.startsWith("HPE_")) return ", which does not speak HTTP";
  if (!looksUpHere || !["ENOTFOUND", "EAI_AGAIN"].includes(code)) return "";
  const remote = shown.startsWith("socks4") ? "socks4a" : "socks5h";
  return `: the server's name is unknown on this machine; with ${remote}:// the proxy looks it up`;
}

import type { Agent } from "node:http";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";
import { SocksProxyAgent } from "socks-proxy-agent";
import { InputError } from "../../core/errors.ts";

/** The way to a server through a proxy. */
export interface Way {
  agent: Agent;
  /** Scheme, host and port, without name and password: for messages. */
  shown: string;
  /** Whether a name or a password is given. */
  hasLogin: boolean;
  /** Whether the server's name is looked up here, not by the proxy. */
  looksUpHere: boolean;
}

/** What ends a connection to a proxy that has not become one to the server. */
export interface ProxyLimits {
  signal?: AbortSignal;
  /** A SOCKS proxy that says nothing for so long, in milliseconds. */
  stallMs?: number;
}

/**
 * The proxy that the environment asks for: HTTPS_PROXY or HTTP_PROXY by the address's scheme, else ALL_PROXY, unless NO_PROXY
 * names the host; in upper or lower case. A proxy without a scheme speaks HTTP.
 *
 * @returns null where the server is asked directly
 * @throws InputError naming the value that is no proxy's address
 */
export function proxyFor(address: URL, { signal, stallMs }: ProxyLimits = {}): Way | null {
  const found = getProxyForUrl(address.href);
  if (found === "" || isBelowExempt(address)) return null;
  // The library adds the address's scheme where there is none, but what speaks to a proxy is HTTP.
  const isGiven = Object.values(process.env).includes(found);
  const proxy = parse(isGiven ? found : found.replace(/^\w+:/, "http:"));
  const shown = `${proxy.protocol}//${proxy.host}`;
  const hasLogin = proxy.username !== "" || proxy.password !== "";
  switch (proxy.protocol) {
    case "http:":
    case "https:":
      return {
        agent: new (address.protocol === "https:" ? HttpsProxyAgent : HttpProxyAgent)(proxy, { signal }),
        shown,
        hasLogin,
        looksUpHere: false,
      };
    case "socks:":
    case "socks4:":
    case "socks4a:":
    case "socks5:":
    case "socks5h:":
      return {
        agent: new SocksProxyAgent(proxy, { timeout: stallMs }),
        shown,
        hasLogin,
        looksUpHere: ["socks4:", "socks5:"].includes(proxy.protocol),
      };
    default:
      throw new InputError(
        `the proxy ${shown} of the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY) has an unknown scheme; valid: http, https, socks4, socks5`,
      );
  }
}

/** A domain in NO_PROXY stands for the hosts below it too, as curl has it; the library takes it for one host. */
function isBelowExempt({ hostname, port, protocol }: URL): boolean {
  const { no_proxy: lower, NO_PROXY: upper } = process.env;
  const own = port || (protocol === "https:" ? "443" : "80");
  return (lower || upper || "")
    .toLowerCase()
    .split(/[,\s]+/)
    .some((entry) => {
      const [, domain, at] = /^([^.*:][^:]*)(?::(\d+))?$/.exec(entry) ?? [];
      return domain !== undefined && hostname.endsWith(`.${domain}`) && (at === undefined || at === own);
    });
}

function parse(text: string): URL {
  try {
    const proxy = new URL(text);
    // As the libraries read them, too late for a message.
    for (const part of [proxy.username, proxy.password]) decodeURIComponent(part);
    return proxy;
  } catch {
    // It may hold a password: it is not shown.
    throw new InputError(
      "the proxy of the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY) is no address; give http://HOST:PORT, with a login http://NAME:PASSWORD@HOST:PORT and its special characters as %40 for @",
    );
  }
}

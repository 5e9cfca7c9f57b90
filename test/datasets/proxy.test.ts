import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { fetchDataset } from "../../src/datasets/fetch/fetch.ts";
import { proxyFor } from "../../src/datasets/fetch/proxy.ts";
import { tarOf } from "./archives.ts";
import { type CountingProxy, forgetProxies, startProxy, startSocks } from "./proxies.ts";

const archive = gzipSync(tarOf([{ path: "set/a.bin", data: Buffer.from("data") }]));
const md5 = createHash("md5").update(archive).digest("hex");

describe("proxyFor", () => {
  beforeEach(forgetProxies);
  afterEach(() => vi.unstubAllEnvs());
  const shown = (url: string) => proxyFor(new URL(url))?.shown ?? null;
  const SECURE = "https://data.example.org/x";
  const PLAIN = "http://data.example.org/x";

  it.each([
    ["HTTPS_PROXY", SECURE],
    ["https_proxy", SECURE],
    ["HTTP_PROXY", PLAIN],
    ["http_proxy", PLAIN],
    ["ALL_PROXY", SECURE],
    ["all_proxy", PLAIN],
  ])("follows %s", (name, url) => {
    expect(shown(url)).toBeNull();
    vi.stubEnv(name, "http://proxy.example.org:3128");
    expect(shown(url)).toBe("http://proxy.example.org:3128");
  });

  it("keeps to the address's scheme, and to NO_PROXY in both cases", () => {
    vi.stubEnv("HTTP_PROXY", "http://a.example.org:1");
    expect(shown(SECURE)).toBeNull();
    vi.stubEnv("HTTPS_PROXY", "http://b.example.org:2");
    expect(shown(SECURE)).toBe("http://b.example.org:2");
    for (const name of ["NO_PROXY", "no_proxy"]) {
      for (const hosts of [
        "*",
        "data.example.org",
        ".example.org",
        "x, data.example.org:443",
        "*.example.org",
        "example.org",
        "example.org:443",
      ]) {
        vi.stubEnv(name, hosts);
        expect([hosts, shown(SECURE)]).toEqual([hosts, null]);
      }
      vi.stubEnv(name, "other.org,data.example.org:8443,ample.org,example.org:80");
      expect(shown(SECURE)).toBe("http://b.example.org:2");
      vi.stubEnv(name, undefined);
    }
  });

  it("takes a proxy without a scheme for an HTTP one, and SOCKS", () => {
    vi.stubEnv("HTTPS_PROXY", "proxy.example.org:3128");
    expect(shown(SECURE)).toBe("http://proxy.example.org:3128");
    vi.stubEnv("HTTPS_PROXY", undefined);
    vi.stubEnv("ALL_PROXY", "socks5h://127.0.0.1:1080");
    expect(shown(SECURE)).toBe("socks5h://127.0.0.1:1080");
  });

  it("refuses what is no proxy, and shows no password", () => {
    vi.stubEnv("HTTPS_PROXY", "http://me:secret@proxy.example.org:3128");
    expect(shown(SECURE)).toBe("http://proxy.example.org:3128");
    vi.stubEnv("HTTPS_PROXY", "gopher://me:secret@proxy");
    expect(() => shown(SECURE)).toThrow(/gopher:\/\/proxy .* unknown scheme; valid: http, https/);
    for (const value of ["http://me:secret@", "http://me:secret%zz@proxy", "http://me:secret#1@proxy"]) {
      vi.stubEnv("HTTPS_PROXY", value);
      expect(() => shown(SECURE)).toThrow(InputError);
      expect(() => shown(SECURE)).toThrow(/is no address; .* special characters as %40 for @$/);
      expect(() => shown(SECURE)).not.toThrow(/secret/);
    }
  });
});

describe("fetchDataset behind a proxy", () => {
  let dataDir: string;
  let proxy: CountingProxy | undefined;
  let server: Server;
  beforeEach(() => {
    forgetProxies();
    dataDir = mkdtempSync(join(tmpdir(), "proxy-"));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await proxy?.close();
    proxy = undefined;
    await new Promise((done) => server.close(done));
    rmSync(dataDir, { recursive: true });
  });
  const answer: RequestListener = (_, response) =>
    void response.writeHead(200, { "content-length": archive.length, connection: "close" }).end(archive);
  const listen = async (made: Server) => {
    server = made;
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return (server.address() as AddressInfo).port;
  };
  const fetchFrom = (origin: string) =>
    fetchDataset(
      {
        name: "some",
        downloads: [{ url: `${origin}/set.tar.gz`, md5, archive: "tar.gz", into: "", places: ["set"] }],
      },
      dataDir,
      { retries: 0, pauseMs: 1, stallMs: 500 },
    );
  const inPlace = () => readFileSync(join(dataDir, "set", "a.bin"), "utf8") === "data";

  it("asks the proxy for plain addresses, with name and password", async () => {
    const port = await listen(createServer(answer));
    proxy = await startProxy();
    vi.stubEnv("http_proxy", `http://me:secret@127.0.0.1:${proxy.port}`);
    await fetchFrom(`http://127.0.0.1:${port}`);
    expect(inPlace()).toBe(true);
    expect(proxy.asked).toEqual([`GET http://127.0.0.1:${port}/set.tar.gz`]);
    expect(proxy.logins).toEqual([`Basic ${Buffer.from("me:secret").toString("base64")}`]);
  });

  it("goes past the proxy where NO_PROXY names the host", async () => {
    const port = await listen(createServer(answer));
    proxy = await startProxy();
    vi.stubEnv("HTTP_PROXY", `http://127.0.0.1:${proxy.port}`);
    vi.stubEnv("NO_PROXY", "localhost,127.0.0.1");
    await fetchFrom(`http://127.0.0.1:${port}`);
    expect([inPlace(), proxy.asked]).toEqual([true, []]);
  });

  it.skipIf(!hasOpenssl())("tunnels to secure addresses: one CONNECT, and TLS with the server itself", async () => {
    const [key, cert] = [join(dataDir, "key.pem"), join(dataDir, "cert.pem")];
    const subject = ["-subj", "/CN=127.0.0.1", "-days", "2", "-nodes"];
    const how = ["req", "-x509", "-newkey", "rsa:2048", "-keyout", key, "-out", cert, ...subject];
    execFileSync("openssl", how, { stdio: "ignore" });
    const port = await listen(createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, answer));
    proxy = await startProxy();
    vi.stubEnv("HTTPS_PROXY", `http://127.0.0.1:${proxy.port}`);
    // The certificate is nobody's: a proxy does not make it trusted.
    await expect(fetchFrom(`https://127.0.0.1:${port}`)).rejects.toThrow(/through the proxy/);
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    proxy.asked.length = 0;
    await fetchFrom(`https://127.0.0.1:${port}`);
    expect(inPlace()).toBe(true);
    expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${port}`]);
  });

  it.each([
    ["refuses a login", 407 as const, "http", /proxy http:\/\/127\.0\.0\.1:\d+: it refuses the name and password/],
    ["refuses a login on CONNECT", 407 as const, "https", /it refuses the name and password/],
    ["refuses", 403 as const, "https", /cannot download https:.*: the proxy http:\/\/127\.0\.0\.1:\d+ answered 403/],
    ["may refuse", 403 as const, "http", /the server, or the proxy http:\/\/127\.0\.0\.1:\d+, answered 403/],
    ["says nothing", "silent" as const, "https", /nothing arrived for .*through the proxy/],
    ["says nothing to a plain request", "silent" as const, "http", /nothing arrived for .*through the proxy/],
  ])("names the proxy that %s", async (_, refuse, scheme, message) => {
    await listen(createServer(answer));
    proxy = await startProxy(refuse);
    for (const name of ["HTTP_PROXY", "HTTPS_PROXY"]) vi.stubEnv(name, `http://me:secret@127.0.0.1:${proxy.port}`);
    const failed = await fetchFrom(`${scheme}://data.example.org`).catch((error) => error);
    expect(failed).toBeInstanceOf(InputError);
    expect(failed.message).toMatch(message);
    expect(failed.message).not.toMatch(/secret|\n/);
  });

  it("asks for a login where none is given", async () => {
    await listen(createServer(answer));
    proxy = await startProxy(407);
    vi.stubEnv("HTTPS_PROXY", `http://127.0.0.1:${proxy.port}`);
    await expect(fetchFrom("https://data.example.org")).rejects.toThrow(
      /it asks for a name and password; give them as http:\/\/NAME:PASSWORD@HOST:PORT in HTTPS_PROXY/,
    );
  });

  it("goes through a SOCKS proxy, which looks up names where it may", async () => {
    const port = await listen(createServer(answer));
    const socks = await startSocks();
    vi.stubEnv("ALL_PROXY", `socks5h://127.0.0.1:${socks.port}`);
    await fetchFrom(`http://data.invalid:${port}`);
    expect([inPlace(), socks.asked]).toEqual([true, [`data.invalid:${port}`]]);
    await socks.close();
  });

  it("says that a SOCKS proxy may look up names that are unknown here", async () => {
    await listen(createServer(answer));
    for (const [scheme, remote] of [
      ["socks5", "socks5h"],
      ["socks4", "socks4a"],
    ]) {
      vi.stubEnv("ALL_PROXY", `${scheme}://127.0.0.1:1`);
      await expect(fetchFrom("https://data.invalid")).rejects.toThrow(`with ${remote}:// the proxy looks it up`);
    }
  });

  it("names the proxy that is not there", async () => {
    await listen(createServer(answer));
    vi.stubEnv("ALL_PROXY", "http://127.0.0.1:1");
    await expect(fetchFrom("https://data.example.org")).rejects.toThrow(
      /ECONNREFUSED through the proxy http:\/\/127\.0\.0\.1:1; /,
    );
  });
});

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

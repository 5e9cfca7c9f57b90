import { createServer, request as requestPlain, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createPlainServer, type Socket } from "node:net";
import { vi } from "vitest";

/** Takes the proxies of whoever runs the tests out of the environment; `vi.unstubAllEnvs` brings them back. */
export function forgetProxies(): void {
  for (const name of ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toUpperCase(), undefined);
  }
}

/** A SOCKS5 proxy on 127.0.0.1 without logins, whose every name is this machine's. @returns its port, and what was asked */
export async function startSocks(): Promise<Pick<CountingProxy, "port" | "asked" | "close">> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createPlainServer((client) => {
    sockets.add(client);
    client.on("error", () => undefined);
    client.once("data", () => {
      client.write(Uint8Array.of(5, 0));
      client.once("data", (wanted) => {
        // Version, CONNECT, 0, kind: 1 four bytes, 3 a name after its length; then the port.
        const isName = wanted[3] === 3;
        const end = isName ? 5 + wanted[4] : 8;
        const port = wanted.readUInt16BE(end);
        asked.push(`${isName ? wanted.toString("latin1", 5, end) : wanted.subarray(4, 8).join(".")}:${port}`);
        const onward = connect(port, "127.0.0.1", () => {
          client.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
          onward.pipe(client).pipe(onward);
        });
        sockets.add(onward);
        onward.on("error", () => client.destroy());
      });
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

export interface CountingProxy {
  port: number;
  /** `CONNECT host:port` and `GET http://…`, as they came. */
  asked: string[];
  /** The `proxy-authorization` headers. */
  logins: (string | undefined)[];
  close(): Promise<void>;
}

/** A proxy on 127.0.0.1. @param refuse answers all with this status; `silent` with nothing at all */
export async function startProxy(refuse?: number | "silent"): Promise<CountingProxy> {
  const asked: string[] = [];
  const logins: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((request, response) => {
    asked.push(`GET ${request.url}`);
    logins.push(request.headers["proxy-authorization"]);
    if (refuse === "silent") return;
    if (refuse) return void response.writeHead(refuse).end();
    const onward = requestPlain(request.url!, { headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    onward.end();
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.on("connect", (request, client: Socket, head) => {
    asked.push(`CONNECT ${request.url}`);
    logins.push(request.headers["proxy-authorization"]);
    if (refuse === "silent") return;
    if (refuse) return void client.end(`HTTP/1.1 ${refuse} no\r\ncontent-length: 0\r\n\r\n`);
    const [host, port] = request.url!.split(":");
    const onward = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.write(head);
      onward.pipe(client).pipe(onward);
    });
    sockets.add(onward);
    onward.on("error", () => client.destroy());
    client.on("error", () => onward.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    logins,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { getRequestListener } from "@hono/node-server";
import { Connections } from "./connections.ts";
import type { Handler, Listener } from "./listener.ts";
import type { Settings, TlsFiles } from "../settings.ts";
import { systemSockets } from "./sockets.ts";
import { within } from "../within.ts";

/** What the adapter passes on about a connection. */
interface NodeConnection {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
}

/**
 * Listens with HTTPS and requires client certificates of an authority. Clients
 * without one fail in the handshake.
 *
 * @throws {Error} With `code` `EADDRINUSE` and others when it cannot listen.
 */
export async function listenWithClientCertificates(
  hostname: string,
  port: number,
  files: Required<TlsFiles>,
  { limits, trustedProxies }: Pick<Settings, "limits" | "trustedProxies">,
  handler: Handler,
): Promise<Listener> {
  const [cert, key, ca] = await Promise.all(
    [files.cert, files.key, files.clientCa].map((path) => Deno.readTextFile(path)),
  );
  const sockets = systemSockets();
  let connections: Connections | null = null;
  const answer = getRequestListener((request, env) => {
    const { incoming, outgoing } = env as unknown as NodeConnection;
    const completed = new Promise<void>((resolve) => outgoing.once("close", resolve));
    const { remoteAddress = "", remotePort = 0 } = incoming.socket;
    const remoteAddr = { transport: "tcp" as const, hostname: remoteAddress, port: remotePort };
    connections?.note(remoteAddr, completed);
    return handler(request, { remoteAddr, completed });
  }, { overrideGlobalObjects: false });
  const server = createServer({
    ...{ cert, key, ca, requestCert: true, rejectUnauthorized: true },
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headMs,
    handshakeTimeout: limits.headMs,
    keepAliveTimeout: limits.keepAliveMs,
  }, (incoming, outgoing) => void answer(incoming, outgoing));
  // A full server refuses new connections; where connections are managed, idle ones are ended.
  if (sockets === null) server.maxConnections = limits.connections;
  const closed = new Promise<void>((resolve) => server.once("close", resolve));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, resolve);
  });
  const address = server.address();
  const bound = address !== null && typeof address === "object" ? address.port : port;
  if (sockets !== null) connections = new Connections(sockets, bound, limits, trustedProxies);
  return {
    port: bound,
    closed,
    close: async (ms) => {
      server.close();
      server.closeIdleConnections();
      await within(ms, closed);
      server.closeAllConnections();
      await within(100, closed);
      connections?.close();
    },
  };
}

import { divideDescriptors } from "./descriptors.ts";
import type { Handler, Listener } from "./listener.ts";
import { RuntimeListener } from "./runtime_listener.ts";
import type { Settings } from "../settings.ts";

/** The settings of a listener. */
export type ListenerSettings = Pick<
  Settings,
  "host" | "port" | "tls" | "limits" | "trustedProxies"
>;

/**
 * Listens, with HTTPS where there is a certificate.
 *
 * @param log Is called when connections cannot be accepted, and when they can again.
 * @throws {Deno.errors.AddrInUse} And whatever else listening throws.
 */
export async function listen(
  settings: ListenerSettings,
  handler: Handler,
  log: (line: string) => void,
): Promise<Listener> {
  const { host, port, tls, limits } = settings;
  const hostname = host.replace(/^\[|\]$/g, "");
  const { connections: most } = divideDescriptors(limits);
  if (tls?.clientCa !== undefined) {
    // Deno.serve cannot require certificates of clients.
    const { listenWithClientCertificates } = await import("./tls_listener.ts");
    const files = { ...tls, clientCa: tls.clientCa };
    return await listenWithClientCertificates(
      hostname,
      port,
      files,
      { limits: { ...limits, connections: most }, trustedProxies: settings.trustedProxies },
      handler,
    );
  }
  const keys = tls === null
    ? {}
    : { cert: await Deno.readTextFile(tls.cert), key: await Deno.readTextFile(tls.key) };
  return new RuntimeListener({ hostname, port, ...keys }, settings, handler, log);
}

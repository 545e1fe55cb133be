import type { ManagerOptions, ManagerServer } from "../../manager/mod.ts";
import { type Flags, UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { Fault } from "../faults.ts";
import { givenPin } from "../pin.ts";

/** How long the manager may take to stop before the process exits, in ms. */
const STOP_TIMEOUT = 10_000;

/** `serve`: manages volumes over HTTP until it is interrupted. */
export async function serve(ctx: Context): Promise<void> {
  const options = await managerOptions(ctx);
  const manager = await import("../../manager/mod.ts");
  // Start the watchdog immediately, because the manager opens untrusted files as it starts.
  ctx.guard(0);
  let server: ManagerServer;
  try {
    server = await manager.serve(options);
  } catch (error) {
    const { host, port } = options;
    throw inUse(error)
      ? new Fault(
        `${host ?? "127.0.0.1"}:${port ?? 8080}`,
        "the port is in use; choose another one with --port",
      )
      : error;
  }
  try {
    await announce(ctx, server);
    // An interruption is the normal end, not a failure.
    const interrupted = new Promise<void>((resolve) => {
      if (ctx.signal.aborted) resolve();
      ctx.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([server.closed, interrupted]);
  } finally {
    const late = setTimeout(() => Deno.exit(1), STOP_TIMEOUT);
    await server.stop();
    clearTimeout(late);
  }
}

/** Prints the URL and, once, a generated token, which is stored nowhere in the clear. */
async function announce(ctx: Context, { manager, url }: ManagerServer): Promise<void> {
  const { root, newToken } = manager;
  if (ctx.json) {
    await ctx.out.json({ url, root, ...(newToken === null ? {} : { token: newToken }) });
  } else {
    await ctx.out.line(`${url} serves the volumes in ${ctx.out.plain(root)}`);
    if (newToken !== null) {
      await ctx.out.line(`its token, which is not shown again: ${newToken}`);
    }
  }
  await ctx.out.flush();
}

async function managerOptions(ctx: Context): Promise<ManagerOptions> {
  const { flags } = ctx;
  const port = flags.get("port");
  const options: { [Key in keyof ManagerOptions]: ManagerOptions[Key] | undefined } = {
    root: flags.get("root") ?? (Deno.env.get("ALOELITE_ROOT") || undefined),
    hostRoot: flags.get("host-root"),
    host: flags.get("host"),
    port: port === undefined ? undefined : portOf(port),
    token: await tokenOf(flags),
    newToken: flags.has("new-token"),
    allowedHosts: listOf(flags.get("allowed-host")),
    trustedProxies: listOf(flags.get("trusted-proxy")),
    tls: tlsOf(flags),
    mountPins: mountPinsOf(flags),
    fuse: { enabled: flags.has("fuse"), allowOther: flags.has("allow-other") },
    log: (line) => ctx.warn(null, line),
  };
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as ManagerOptions;
}

/** Returns the given token; refuses one that is easy to guess. */
async function tokenOf(flags: Flags): Promise<string | undefined> {
  const bytes = await givenPin(flags, "token");
  const name = flags.get("token-env");
  if (name !== undefined) Deno.env.delete(name); // Child processes must not inherit the token.
  if (bytes === null) return undefined;
  const token = new TextDecoder().decode(bytes);
  bytes.fill(0);
  if (!/^[\x21-\x7e]{16,1024}$/.test(token)) {
    throw new UsageError("a token is 16 to 1024 visible ASCII characters, without spaces");
  }
  return token;
}

function tlsOf(flags: Flags): ManagerOptions["tls"] {
  const [cert, key, clientCa] = ["tls-cert", "tls-key", "client-ca"].map((name) => flags.get(name));
  if (cert === undefined && key === undefined) {
    if (clientCa !== undefined) throw new UsageError("--client-ca needs --tls-cert and --tls-key");
    return undefined;
  }
  if (cert === undefined || key === undefined) {
    throw new UsageError("--tls-cert and --tls-key belong together");
  }
  return { cert, key, ...(clientCa === undefined ? {} : { clientCa }) };
}

function mountPinsOf(flags: Flags): ManagerOptions["mountPins"] {
  const [directory, variables] = [flags.get("mount-pin-dir"), listOf(flags.get("mount-pin-env"))];
  return {
    ...(directory === undefined ? {} : { directory }),
    ...(variables === undefined ? {} : { variables }),
  };
}

function listOf(text: string | undefined): string[] | undefined {
  return text?.split(",").map((each) => each.trim()).filter((each) => each !== "");
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= 65535)) throw new UsageError(`--port is a number up to 65535, not ${text}`);
  return port;
}

function inUse(error: unknown): boolean {
  return error instanceof Deno.errors.AddrInUse ||
    (error as { code?: string } | null)?.code === "EADDRINUSE";
}

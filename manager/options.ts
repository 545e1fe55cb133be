import {
  DEFAULT_FUSE,
  DEFAULT_HOST,
  DEFAULT_LIMITS,
  DEFAULT_PORT,
  type FuseSettings,
  type Limits,
  type MountPinSettings,
  type Settings,
  type TlsFiles,
} from "./settings.ts";

/** How a manager is started. */
export interface ManagerOptions {
  /** The folder with all that it keeps. By default in the user's data directory. */
  root?: string;
  /** What `root` is called outside a container. */
  hostRoot?: string;
  /** The address that will be listened on. Default 127.0.0.1. */
  host?: string;
  /** The port. Default 8080. */
  port?: number;
  /**
   * The token that requests have to carry; nothing of it is kept in a file. Where
   * `host` is more than this machine and there are no client certificates, one
   * is made if none is given.
   */
  token?: string;
  /** Makes another token in place of the one that an earlier start has made. */
  newToken?: boolean;
  /**
   * Further names of this host that requests may use; or whole origins, such as
   * `https://files.example:8443`, where a proxy has another one than the manager.
   */
  allowedHosts?: readonly string[];
  /** Addresses of proxies: their X-Forwarded-Proto, -Host and -For are believed. */
  trustedProxies?: readonly string[];
  /** HTTPS. */
  tls?: TlsFiles;
  /** Mounts as directories. */
  fuse?: Partial<FuseSettings>;
  /** Where PINs of mounts that come back may be kept. Nowhere by default. */
  mountPins?: MountPinSettings;
  /** Limits that differ from the usual ones. */
  limits?: Partial<Limits>;
  /** Takes what is to be noted, a line each. Default standard error. */
  log?: (line: string) => void;
}

/** The settings that options stand for. */
export async function resolveOptions(options: ManagerOptions): Promise<Settings> {
  return {
    root: await absolute(options.root ?? defaultRoot()),
    hostRoot: options.hostRoot ?? null,
    host: options.host ?? DEFAULT_HOST,
    port: options.port ?? DEFAULT_PORT,
    tokenHash: options.token === undefined ? null : await hash(options.token),
    allowedHosts: options.allowedHosts ?? [],
    trustedProxies: options.trustedProxies ?? [],
    tls: options.tls ?? null,
    fuse: { ...DEFAULT_FUSE, ...options.fuse },
    mountPins: options.mountPins ?? {},
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
}

/** Where a manager keeps its things when nothing else was said. */
export function defaultRoot(): string {
  const data = Deno.env.get("XDG_DATA_HOME");
  if (data?.startsWith("/")) return `${data}/aloelite`;
  return `${Deno.env.get("HOME") ?? "."}/.local/share/aloelite`;
}

async function absolute(path: string): Promise<string> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  return await Deno.realPath(path);
}

/** SHA-256 of a text, hexadecimal. */
export async function hash(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).toHex();
}

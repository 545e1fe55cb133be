/** What bounds what one client, or all of them, can ask for. */
export interface Limits {
  /** Bytes of a JSON body. */
  jsonBytes: number;
  /** Bytes of the JSON body that begins a task, which names all its items. */
  taskBytes: number;
  /** Bytes of an uploaded file or an imported filesystem. */
  uploadBytes: number;
  /** How long an upload that is not finished is kept while nothing comes, ms. */
  uploadMs: number;
  /** Requests that are worked on at once; more are told to come again. */
  concurrent: number;
  /** Connections that are open at once; fewer where the system allows few files. */
  connections: number;
  /** Connections of one client that are open at once. */
  clientConnections: number;
  /** How long a connection may take until its first request has come, ms. */
  headMs: number;
  /** How long a connection is kept between requests, ms. */
  keepAliveMs: number;
  /**
   * How long a check, a cleaning or an inspection may be at one statement of a small
   * file, ms; in a larger one a second more for each 4 MiB.
   */
  jobMs: number;
  /** Time for a request whose answer is not a stream, ms. */
  requestMs: number;
  /** How long a body may bring nothing, ms. */
  idleBodyMs: number;
  /** Bytes a second that a body brings at least, in each {@linkcode bodyWindowMs}. */
  bodyBytesPerSecond: number;
  /** The time over which the rate of a body is looked at, ms. */
  bodyWindowMs: number;
  /** The same for a body of JSON, ms. */
  jsonWindowMs: number;
  /** How long a body may take in all, ms. */
  bodyMs: number;
  /** How long a client may take nothing of an answer, ms. */
  idleReadMs: number;
  /** How long requests that run may take to end when the manager stops, ms. */
  drainMs: number;
  /** Bytes of a URL, and of it with the headers. */
  headerBytes: number;
  /** Wrong PINs in a row, of one client at one volume, before it has to wait. */
  pinGuesses: number;
  /** How long a session lasts without being used, ms. */
  sessionMs: number;
  /** How long a filesystem that nobody uses stays open, ms. */
  idleFilesystemMs: number;
  /** Filesystems that are open at once. */
  openFilesystems: number;
}

/** How volumes are mounted as directories. */
export interface FuseSettings {
  /** Whether it is wanted: the preflight is fatal then. */
  enabled: boolean;
  /** Lets other users in. */
  allowOther: boolean;
  /** How long a mount may take to answer, ms. */
  readyMs: number;
  /** Memory of a mount for what was read, bytes. */
  cacheBytes?: number;
  /** Memory of a mount for what is not written yet, bytes. */
  dirtyBytes?: number;
}

/** Where PINs of mounts may be kept on the manager's host; nowhere by default. */
export interface MountPinSettings {
  /** The directory whose files `pin_file` may name. */
  directory?: string;
  /** The variables of the manager's environment that `pin_env` may name. */
  variables?: readonly string[];
}

/** A certificate and its key, PEM. */
export interface TlsFiles {
  /** The path of the certificate, its chain with it. */
  cert: string;
  /** The path of the key. */
  key: string;
  /** The path of the authorities whose certificates clients have to have; none by default. */
  clientCa?: string;
}

/** How a manager was started. */
export interface Settings {
  /** The folder with all that it keeps. */
  readonly root: string;
  /** What `root` is called outside a container; for `host_path`. */
  readonly hostRoot: string | null;
  /** The address that is listened on. */
  readonly host: string;
  /** The port. */
  readonly port: number;
  /** SHA-256 of the token, hexadecimal; null where none is asked for. */
  readonly tokenHash: string | null;
  /** Names of this host that requests may use, besides the address; or whole origins. */
  readonly allowedHosts: readonly string[];
  /** Addresses of proxies whose X-Forwarded-Proto, -Host and -For are believed. */
  readonly trustedProxies: readonly string[];
  /** HTTPS. */
  readonly tls: TlsFiles | null;
  /** Mounts. */
  readonly fuse: FuseSettings;
  /** Where PINs of mounts may be kept. */
  readonly mountPins: MountPinSettings;
  /** Limits. */
  readonly limits: Limits;
}

/** The limits that hold where nothing else was said. */
export const DEFAULT_LIMITS: Limits = {
  jsonBytes: 1024 * 1024,
  taskBytes: 16 * 1024 * 1024,
  uploadBytes: 1024 ** 4,
  uploadMs: 7 * 24 * 60 * 60_000,
  concurrent: 1024,
  connections: 4096,
  clientConnections: 1024,
  headMs: 10_000,
  keepAliveMs: 75_000,
  jobMs: 60_000,
  requestMs: 120_000,
  idleBodyMs: 60_000,
  bodyBytesPerSecond: 512,
  bodyWindowMs: 60_000,
  jsonWindowMs: 10_000,
  bodyMs: 24 * 60 * 60_000,
  idleReadMs: 120_000,
  drainMs: 5000,
  headerBytes: 16 * 1024,
  pinGuesses: 5,
  sessionMs: 30 * 60_000,
  idleFilesystemMs: 30_000,
  openFilesystems: 64,
};

/** Where a manager listens when nothing else was said: this machine alone. */
export const DEFAULT_HOST = "127.0.0.1";
/** The port of the reference's manager. */
export const DEFAULT_PORT = 8080;
/** How mounts are made when nothing else was said. */
export const DEFAULT_FUSE: FuseSettings = { enabled: false, allowOther: false, readyMs: 15_000 };

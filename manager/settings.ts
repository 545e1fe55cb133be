/** Limits for one client, or for all of them. */
export interface Limits {
  /** Bytes of a JSON body. */
  jsonBytes: number;
  /** Bytes of the JSON body that begins a task, which names all its items. */
  taskBytes: number;
  /** Bytes of an uploaded file or an imported filesystem. */
  uploadBytes: number;
  /** How long an unfinished upload is kept after its last piece, ms. */
  uploadMs: number;
  /** Requests that run at once; further ones are answered 503. */
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
   * How long a job may take for one statement on a small file, ms; on a larger one a
   * second more for each 4 MiB.
   */
  jobMs: number;
  /** Time for a request whose response is no stream, ms. */
  requestMs: number;
  /** How long a body may pause, ms. */
  idleBodyMs: number;
  /** Rate of a body at least, bytes a second, in each {@linkcode bodyWindowMs}. */
  bodyBytesPerSecond: number;
  /** The time over which the rate of a body is measured, ms. */
  bodyWindowMs: number;
  /** The same for a JSON body, ms. */
  jsonWindowMs: number;
  /** How long a body may take in all, ms. */
  bodyMs: number;
  /** How long a client may receive nothing of a response, ms. */
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
  /** Whether mounts are required: then a failed preflight is fatal. */
  enabled: boolean;
  /** Whether other users may use mounts. */
  allowOther: boolean;
  /** How long a mount may take to answer, ms. */
  readyMs: number;
  /** Memory of a mount for its read cache, bytes. */
  cacheBytes?: number;
  /** Memory of a mount for data that is not written yet, bytes. */
  dirtyBytes?: number;
}

/** Where PINs of mounts may be stored on the manager's host; nowhere by default. */
export interface MountPinSettings {
  /** The directory whose files `pin_file` may name. */
  directory?: string;
  /** The variables of the manager's environment that `pin_env` may name. */
  variables?: readonly string[];
}

/** A certificate and its key, PEM. */
export interface TlsFiles {
  /** The path of the certificate with its chain. */
  cert: string;
  /** The path of the key. */
  key: string;
  /** The path of the authorities of client certificates, which are required then; none by default. */
  clientCa?: string;
}

/** The resolved options of a manager. */
export interface Settings {
  /** The folder with all of its files. */
  readonly root: string;
  /** The path of `root` outside a container; for `host_path`. */
  readonly hostRoot: string | null;
  /** The address to listen on. */
  readonly host: string;
  /** The port. */
  readonly port: number;
  /** SHA-256 of the token, hexadecimal; null where none is required. */
  readonly tokenHash: string | null;
  /** Names of this host that requests may use, besides the address; or whole origins. */
  readonly allowedHosts: readonly string[];
  /** Addresses of proxies whose X-Forwarded-Proto, -Host and -For are trusted. */
  readonly trustedProxies: readonly string[];
  /** HTTPS. */
  readonly tls: TlsFiles | null;
  /** Mounts. */
  readonly fuse: FuseSettings;
  /** Where PINs of mounts may be stored. */
  readonly mountPins: MountPinSettings;
  /** Limits. */
  readonly limits: Limits;
}

/** The default limits. */
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

/** The default address: this machine alone. */
export const DEFAULT_HOST = "127.0.0.1";
/** The default port, which the Python package uses too. */
export const DEFAULT_PORT = 8080;
/** The default settings of mounts. */
export const DEFAULT_FUSE: FuseSettings = { enabled: false, allowOther: false, readyMs: 15_000 };

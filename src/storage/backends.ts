import { AloeError } from "../errors.ts";
import type { OpenDatabase } from "./database.ts";
import type { OpenOptions, RepairedObject } from "./open.ts";
import type { SchemaOwner } from "./schema_guard.ts";
import { sqliteBackend } from "./sqlite/backend.ts";

/** How databases of one kind are opened. */
export interface StorageBackend {
  /** Opens one with volumes, creating or upgrading it as needed. */
  open(path: string, options: OpenOptions): Promise<OpenDatabase>;
  /** Opens one whose schema somebody else knows. */
  openRecords(path: string, owner: SchemaOwner): Promise<OpenDatabase>;
  /** Takes out of one what no release writes and what holds no data. */
  repair(path: string): Promise<RepairedObject[]>;
}

/** Servers that may have a backend one day: a path never means one of these. */
const SERVERS = /^(postgres|postgresql|mysql|mariadb):\/\//i;

/**
 * Chooses a backend by what is to be opened.
 *
 * @param target A path, `:memory:`, or a URL.
 * @returns The backend, and what it opens.
 * @throws {AloeError} `unsupported` for a server; `invalid` for the empty path, and for a URL
 * of something else than a file.
 */
export function backendOf(target: string | URL): { backend: StorageBackend; path: string } {
  const [, server] = SERVERS.exec(String(target)) ?? [];
  if (server !== undefined) {
    // The rest may have a password in it.
    throw new AloeError("unsupported", `${server.toLowerCase()}://: only files can be opened`);
  }
  const path = target instanceof URL ? pathOf(target) : target;
  if (path === "") throw new AloeError("invalid", "an empty path is no file");
  return { backend: sqliteBackend, path };
}

function pathOf(url: URL): string {
  if (url.protocol !== "file:") {
    throw new AloeError("invalid", `${url.protocol}//…: is no file: URL`);
  }
  return decodeURIComponent(url.pathname);
}

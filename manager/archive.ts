import { AloeError } from "../src/errors.ts";
import * as ops from "../src/ops.ts";
import { splitPath } from "../src/paths.ts";
import { safeName } from "../src/safe_name.ts";
import type { Access } from "./access.ts";
import { contentStream } from "./content_stream.ts";

/** A member of an archive, as `client-zip` takes it. */
export type Member =
  | { name: string; lastModified: Date }
  | { name: string; lastModified: Date; size: number; input: ReadableStream<Uint8Array> };

/** Entries of a directory that are held at once. */
const PAGE = 500;

/**
 * What is at some paths, and below them. Directories come before what is in
 * them. Links, FIFOs and sockets are left out, since what unpacks an archive
 * would have to follow or make them. Each file is as it was at one moment.
 */
export async function* members(
  held: Access,
  paths: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Member, void> {
  const { fs, mount } = held;
  const taken = new Set<string>();
  for (const path of paths) {
    const info = await ops.stat(fs.db, mount.handle, path);
    const own = splitPath(path).at(-1);
    const name = own === undefined ? "" : free(safeName(own, "anywhere"), taken);
    yield* member(held, { id: info.id, type: info.type, modified: info.modifiedAt }, name, signal);
  }
}

interface Facts {
  id: string;
  type: string;
  modified: bigint;
}

async function* member(
  held: Access,
  { id, type, modified }: Facts,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Member, void> {
  signal.throwIfAborted();
  if (type === "entry") {
    const file = await fileMember(held, id, name);
    if (file !== null) yield file;
    return;
  }
  if (type !== "container") return;
  if (name !== "") yield { name: `${name}/`, lastModified: date(modified) };
  const { fs, mount } = held;
  const taken = new Set<string>();
  for (let after: string | null = "";;) {
    const page: ops.DetailedPage = await ops.listDetails(fs.db, mount.handle, { node: id }, {
      limit: PAGE,
      ...(after ? { after } : {}),
    });
    for (const entry of page.entries) {
      if (!entry.visible) continue;
      const modified = BigInt(entry.modifiedSec) * 1_000_000_000n;
      const below = free(safeName(entry.name, "anywhere"), taken);
      const facts = { id: entry.node, type: entry.type, modified };
      yield* member(held, facts, name === "" ? below : `${name}/${below}`, signal);
    }
    if (page.next === null) return;
    after = page.next;
  }
}

async function fileMember(held: Access, node: string, name: string): Promise<Member | null> {
  let snapshot: ops.Snapshot;
  try {
    snapshot = await ops.openSnapshot(held.fs.db, held.mount.handle, { node });
  } catch (error) {
    // It may have gone since its directory was read.
    if (error instanceof AloeError && error.code === "not_found") return null;
    throw error;
  }
  const { size } = snapshot;
  const parts = size === 0 ? [] : [{ snapshot, start: 0, end: size - 1 }];
  const input = contentStream(parts, () => Promise.resolve());
  return { name, lastModified: date(snapshot.modifiedAt), size, input };
}

/** Names that were made safe, or come from several directories, may be the same. */
function free(name: string, taken: Set<string>): string {
  let own = name;
  for (let count = 2; taken.has(own); count++) own = `${name} (${count})`;
  taken.add(own);
  return own;
}

/** What archives can tell: from 1980 on. */
function date(ns: bigint): Date {
  const ms = Number(ns / 1_000_000n);
  return new Date(Math.min(Math.max(ms, Date.UTC(1980, 0, 2)), Date.UTC(2107, 11, 30)));
}

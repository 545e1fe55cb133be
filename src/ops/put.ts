import { childByName } from "../../templates/resolve.ts";
import { editContent, replaceContent } from "../content/write_content.ts";
import type { MountRef } from "../mount_handle.ts";
import { splitPath } from "../paths.ts";
import { resolve, resolvePlace } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { changeableEntry } from "./content.ts";
import { placeNew } from "./create.ts";
import { deleteForGood } from "./delete_for_good.ts";
import { exists } from "./stat.ts";
import { openWrite } from "./streams.ts";

/** Options of {@linkcode put}. */
export interface PutOptions {
  /** Whether to append instead of replacing the content. Default false. */
  append?: boolean;
}

/**
 * Writes a file: creates it, replaces its content or appends to it.
 *
 * @param data Bytes, text (as UTF-8), or a stream. A stream is stored with bounded memory and
 *   becomes visible at its end; if it fails, the file is unchanged.
 * @throws {AloeError} `not_found` for a missing directory, `not_an_entry`, `lock_held`,
 *   `read_only`, `encryption_required`; also the stream's errors.
 */
export async function put(
  db: Database,
  mount: MountRef,
  path: string,
  data: Uint8Array | string | ReadableStream<Uint8Array>,
  options: PutOptions = {},
): Promise<void> {
  if (data instanceof ReadableStream) {
    return await putStream(db, mount, path, data, options);
  }
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  await db.write(async (tx) => {
    if (splitPath(path).length > 0) {
      const place = await resolvePlace(tx, mount, path);
      const existing = await tx.first(childByName, {
        parent: place.parent.node,
        name: place.name,
      });
      if (existing === undefined) {
        return void await placeNew(tx, place, "entry", bytes);
      }
    }
    const entry = await changeableEntry(tx, mount, { path });
    if (!options.append) return await replaceContent(tx, entry, bytes);
    if (bytes.length === 0) return;
    const offset = entry.size ?? 0;
    await editContent(tx, entry, offset + bytes.length, {
      offset,
      data: bytes,
    });
  });
}

async function putStream(
  db: Database,
  mount: MountRef,
  path: string,
  stream: ReadableStream<Uint8Array>,
  options: PutOptions,
): Promise<void> {
  const isNew = !await exists(db, mount, path);
  const descriptor = await openWrite(db, mount, path, options.append ? "append" : "truncate");
  try {
    for await (const bytes of stream) await descriptor.write(bytes);
    await descriptor.close();
  } catch (error) {
    await descriptor.abort();
    if (isNew) await db.current.write((tx) => dropEmpty(tx, mount, path), { frees: true });
    throw error;
  }
}

/** Removes an entry that was created for a stream that has failed. */
async function dropEmpty(tx: Transaction, mount: MountRef, path: string): Promise<void> {
  const entry = await resolve(tx, mount, path);
  if (entry.type !== "entry" || entry.version !== 0 || entry.locked) return;
  const { parent } = await resolvePlace(tx, mount, path);
  await deleteForGood(tx, [entry.node], { parents: [parent.node] });
}

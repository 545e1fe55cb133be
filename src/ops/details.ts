import { decodeText } from "../names.ts";
import { type DetailColumns, detailsAfter, detailsThen } from "../../templates/listing.ts";
import { openChunk } from "../content/chunk_store.ts";
import { cipherFor } from "../content/cipher_for.ts";
import type { ChunkCipher } from "../crypto/chunk_cipher.ts";
import type { MountRef } from "../mount_handle.ts";
import { requireContainer, type Resolved, resolveTarget, type Target } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Device, NodeType } from "../types.ts";
import { beginPage, type ListPage, positionText } from "./listing_page.ts";

/**
 * A child of a container with all facts of a listing. Times are whole seconds since the Unix epoch,
 * negative before it, and 0 to 999,999,999 nanoseconds.
 */
export interface DetailedEntry {
  /** Its position in the listing: the placement's id, or that of the placement before a rename. */
  place: string;
  /** The placement's id. */
  edge: string;
  /** The placement's name. */
  name: string;
  /** The node's id. */
  node: string;
  /** The node's type. */
  type: NodeType;
  /** False when a newer sibling of the same name hides it. */
  visible: boolean;
  /** The size of the content in bytes; null for a container. */
  size: number | null;
  /** The committed version; null for a container. */
  version: number | null;
  /** Permission bits; null when never set. */
  mode: number | null;
  /** The creation time, in s. */
  createdSec: number;
  /** The nanoseconds within that second. */
  createdNsec: number;
  /** When the content or name last changed, in s. */
  modifiedSec: number;
  /** The nanoseconds within that second. */
  modifiedNsec: number;
  /** A link's target; null for other nodes. */
  target: string | null;
  /** What device it is; null when it is none. */
  device: Device | null;
}

/** A page of a listing. */
export interface DetailedPage {
  /** The container's id. */
  node: string;
  /** Its children in the order of placement, including hidden ones. */
  entries: DetailedEntry[];
  /** The position of the next page; null when this is the last one. */
  next: string | null;
  /** The newest placement at the time of the first page. */
  until: string;
}

export { LONGEST_TARGET } from "../../templates/listing.ts";

/**
 * Returns a page of a container's children with all facts, by one query.
 *
 * @throws {AloeError} `not_found`, `not_a_container`, `mount_invalid`, `invalid`.
 */
export async function listDetails(
  db: Database,
  mount: MountRef,
  target: Target,
  page: ListPage,
): Promise<DetailedPage> {
  return await db.read(async (tx) => {
    const container = await resolveTarget(tx, mount, target);
    requireContainer(container);
    const parent = container.node;
    const { after, until, changed } = await beginPage(tx, db, parent, page);
    // One extra row shows whether more follow.
    const template = changed ? detailsThen : detailsAfter;
    const rows = await tx.all(template, { parent, after, until, limit: page.limit + 1 });
    const more = rows.length > page.limit;
    if (more) rows.pop();
    const links = new Links(container);
    return {
      node: parent,
      entries: rows.map((row) => detailedEntry(row, links)),
      next: more ? positionText({ after: rows[rows.length - 1][0], until }) : null,
      until,
    };
  });
}

/** Decrypts the targets of links; loads a key only when there is a link. */
class Links {
  readonly #container: Resolved;
  #cipher: ChunkCipher | null = null;

  constructor(container: Resolved) {
    this.#container = container;
  }

  /** Null where it is longer than one can be, or its content is damaged. */
  target(row: DetailColumns): string | null {
    const [data, length, N_c, enc_tag] = row.slice(14, 18) as [
      Uint8Array | null,
      number | null,
      Uint8Array | null,
      Uint8Array | null,
    ];
    if (row[6] === 0) return "";
    this.#cipher ??= cipherFor(this.#container);
    if (data === null) return null;
    const bytes = openChunk(this.#cipher, { data, length, N_c, enc_tag }, row[2]);
    return decodeText(bytes.subarray(0, row[6]!));
  }
}

function detailedEntry(row: DetailColumns, links: Links): DetailedEntry {
  const entry: DetailedEntry = {
    place: row[0],
    edge: row[1],
    name: row[2],
    node: row[3],
    type: row[4] as NodeType,
    visible: row[5] === 0,
    size: row[6],
    version: row[7],
    mode: row[8] ?? octal(row[9]),
    createdSec: row[10],
    createdNsec: row[11],
    modifiedSec: row[12],
    modifiedNsec: row[13],
    target: row[4] === "symlink" ? links.target(row) : null,
    device: row[18] === null ? null : { kind: row[18], major: row[19]!, minor: row[20]! },
  };
  // SQL's division and remainder round toward zero.
  if (entry.createdNsec < 0) entry.createdNsec += 1e9, entry.createdSec--;
  if (entry.modifiedNsec < 0) entry.modifiedNsec += 1e9, entry.modifiedSec--;
  return entry;
}

/** Parses permission bits as era 1 stored them. */
function octal(text: string | null): number | null {
  return text !== null && /^[0-7]{1,4}$/.test(text) ? parseInt(text, 8) : null;
}

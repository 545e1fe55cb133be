import { ancestors } from "../../templates/edge.ts";
import { deleteMountLocks } from "../../templates/lock.ts";
import {
  endMount,
  getMount,
  insertMount,
  listMounts as listMountsTemplate,
  setMountExpiry,
  writableMounts,
} from "../../templates/mount.ts";
import { childByName } from "../../templates/resolve.ts";
import { volumeSeal } from "../../templates/seal.ts";
import { volumeKey } from "../../templates/volume.ts";
import { now } from "../clock.ts";
import { wipe } from "../crypto/bytes.ts";
import { createChunkCipher } from "../crypto/chunk_cipher.ts";
import {
  MOUNT_NONCE_LENGTH,
  openMountSecret,
  sealMountSecret,
  TOKEN_LENGTH,
} from "../crypto/key_ladder.ts";
import { AloeError } from "../errors.ts";
import { expiry } from "../expiry.ts";
import { uuid7 } from "../ids.ts";
import { MountHandle, mountId, type MountRef } from "../mount_handle.ts";
import { MountSecrets } from "../mount_secrets.ts";
import { checkText, joinPath, splitPath } from "../paths.ts";
import { resolve } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { Access, EncryptionMode, MountInfo, MountState, Pin } from "../types.ts";
import { needsRecovery, recoverVolume } from "./redo.ts";
import { requireOneKind, unlockVolume } from "./volumes.ts";

/** Options for mounting a volume. */
export interface MountOptions {
  /** The container to show as `/`, as a path in the volume. Default: its root. */
  at?: string;
  /** The time to live without renewal, in ms. Default: unlimited. */
  ttl?: number;
  /** The PIN of an encrypted volume. */
  pin?: Pin;
  /** The volume's key from {@linkcode mountKey}, instead of the PIN. */
  key?: Uint8Array;
  /** `ro` refuses every change. Default `rw`, or `ro` when the file is open read-only. */
  access?: Access;
  /** Whether to fail when a valid writable mount overlaps this one. Default false. */
  exclusive?: boolean;
  /** The principal that the mount acts for. */
  principal?: string;
}

/**
 * Mounts a volume: creates a row in the file, and a handle for operations.
 *
 * @param volume The volume's id.
 * @returns The handle, which for an encrypted volume holds the key.
 * @throws {AloeError} `not_found`, `not_a_container`, `encryption_required`, `bad_key`,
 *   `mount_conflict`, `read_only`.
 */
export async function mount(
  db: Database,
  volume: string,
  options: MountOptions = {},
): Promise<MountHandle> {
  const { at = "/", ttl, pin } = options;
  const access = options.access ?? (db.readOnly ? "ro" : "rw");
  if (access === "rw" && db.readOnly) {
    throw new AloeError("read_only", `${db.path}: is open for reading only`);
  }
  const names = splitPath(at);
  if (options.principal !== undefined) checkText(options.principal, "a principal");
  const key = options.key?.slice() ?? await unlockFor(db, volume, pin);
  const id = uuid7();
  let made: MountHandle | null = null;
  try {
    const nonce = crypto.getRandomValues(new Uint8Array(MOUNT_NONCE_LENGTH));
    const handle = await writeMounts(db, async (tx) => {
      const row = await tx.first(volumeKey, { volume });
      if (row === undefined) {
        throw new AloeError("not_found", `${volume}: no such volume`);
      }
      made = makeHandle(db, id, volume, row.enc_mode as EncryptionMode, key, nonce);
      await checkVolume(tx, made, row);
      const mountPoint = await descend(tx, row.root_node_id, names);
      if (options.exclusive) await refuseOverlap(tx, volume, mountPoint);
      await tx.run(insertMount, {
        mount: id,
        volume,
        mountPoint,
        expiresAt: expiry(ttl),
        createdAt: now(),
        nonce,
        access,
        principal: options.principal ?? null,
      });
      return made;
    });
    if (access === "rw") {
      try {
        await sealVolume(db, handle);
        await recover(db, handle);
      } catch (error) {
        // No caller gets the handle, so remove its row.
        await unmount(db, handle).catch(() => {});
        throw error;
      }
    }
    return handle;
  } catch (error) {
    (made as MountHandle | null)?.forget();
    db.extension(MountSecrets).forget(id);
    throw error;
  } finally {
    if (key !== null) wipe(key);
  }
}

/**
 * @throws {AloeError} `corrupt` when the volume's parameters were modified.
 */
async function checkVolume(
  tx: Transaction,
  handle: MountHandle,
  row: Parameters<typeof requireOneKind>[0],
): Promise<void> {
  requireOneKind(row);
  const seals = MountHandle.sealsOf(handle);
  if (seals !== null) {
    await seals.checkVolume(tx);
  } else if ((await tx.first(volumeSeal, { volume: row.volume_id }))?.tag) {
    throw new AloeError(
      "corrupt",
      `volume ${row.volume_id}: was encrypted but says that it is not`,
    );
  }
}

/**
 * Seals content without a tag: all content of an encrypted volume without tags, and content written
 * by others.
 */
async function sealVolume(db: Database, handle: MountHandle): Promise<void> {
  const seals = MountHandle.sealsOf(handle);
  if (seals === null || !await db.read((tx) => seals.isBehind(tx))) return;
  try {
    while (!await db.write((tx) => seals.sealSome(tx)));
  } catch (error) {
    // The next mount retries; removing must work on a full disk.
    if (!(error instanceof AloeError && ["no_space", "busy"].includes(error.code))) throw error;
  }
}

/** Completes the unfinished changes of a killed filesystem, as far as they can be read. */
async function recover(db: Database, mount: MountHandle): Promise<void> {
  if (!await needsRecovery(db)) return;
  try {
    await recoverVolume(db, mount);
  } catch (error) {
    // Damaged changes stay unfinished, so that the rest of the volume is usable. On a full disk
    // they stay until there is space, which a user must be able to free.
    const stays = error instanceof AloeError && ["corrupt", "no_space"].includes(error.code);
    if (!stays) throw error;
  }
}

/**
 * Returns a handle for an existing mount of this or another process.
 *
 * @param unlock The PIN of an encrypted volume, or the token of a handle that this database has
 *   created.
 * @throws {AloeError} `mount_invalid`, `encryption_required`, `bad_key`.
 */
export async function attach(
  db: Database,
  id: string,
  unlock: { pin?: Pin; token?: Uint8Array } = {},
): Promise<MountHandle> {
  const row = await db.query((tx) => tx.first(getMount, { mount: id }));
  if (row === undefined) {
    throw new AloeError("mount_invalid", `${id}: no such mount`);
  }
  await db.read((tx) => resolve(tx, id, "/"));
  const sealed = db.extension(MountSecrets).get(id);
  let key: Uint8Array | null;
  if (unlock.token !== undefined) {
    key = sealed === undefined ? null : openMountSecret(unlock.token, row.N_m, sealed);
    if (key === null) {
      throw new AloeError("bad_key", "the token does not open this mount here");
    }
  } else {
    key = await unlockFor(db, row.volume_id, unlock.pin);
  }
  try {
    const volume = await db.query((tx) => tx.first(volumeKey, { volume: row.volume_id }));
    const mode = volume!.enc_mode as EncryptionMode;
    const handle = makeHandle(db, id, row.volume_id, mode, key, row.N_m, unlock.token);
    await db.read((tx) => checkVolume(tx, handle, volume!));
    return handle;
  } finally {
    if (key !== null) wipe(key);
  }
}

/**
 * Returns the key of an encrypted volume, which mounts it on another connection or thread without
 * its PIN.
 *
 * @returns `K_v`, for the caller to wipe; null for a plain volume.
 * @throws {AloeError} `mount_invalid`; `bad_key` for a handle without a token.
 */
export async function mountKey(db: Database, mount: MountHandle): Promise<Uint8Array | null> {
  if (MountHandle.cipherOf(mount) === null) return null;
  const row = await db.query((tx) => tx.first(getMount, { mount: mount.id }));
  if (row === undefined) throw new AloeError("mount_invalid", `${mount.id}: no such mount`);
  const sealed = db.extension(MountSecrets).get(mount.id);
  const key = sealed === undefined || mount.token === null
    ? null
    : openMountSecret(mount.token, row.N_m, sealed);
  if (key === null) throw new AloeError("bad_key", "the mount's key is not available here");
  return key;
}

/**
 * Returns information about a mount.
 *
 * @throws {AloeError} `mount_invalid` when it does not exist.
 */
export async function mountInfo(
  db: Database,
  mount: MountRef,
): Promise<MountInfo> {
  const id = mountId(mount);
  return await db.read(async (tx) => {
    const row = await tx.first(getMount, { mount: id });
    if (row === undefined) {
      throw new AloeError("mount_invalid", `${id}: no such mount`);
    }
    return await describe(tx, row);
  });
}

/**
 * Returns the mounts of the file, oldest first.
 *
 * @param options `volume` selects one volume; `all` includes ended and expired mounts.
 */
export async function listMounts(
  db: Database,
  options: { volume?: string; all?: boolean } = {},
): Promise<MountInfo[]> {
  return await db.read(async (tx) => {
    const at = now();
    const infos: MountInfo[] = [];
    for (const row of await tx.all(listMountsTemplate, {})) {
      if (options.volume !== undefined && row.volume_id !== options.volume) {
        continue;
      }
      const ended = row.state === "unmounted" ||
        (row.expires_at !== null && row.expires_at <= at);
      if (!ended || options.all) infos.push(await describe(tx, row));
    }
    return infos;
  });
}

/** Options of {@linkcode renewMount}. */
export interface RenewMountOptions {
  /**
   * Whether to renew an expired mount too, as after the machine was suspended; for callers that
   * know that no one has relied on its end. Default false.
   */
  expired?: boolean;
}

/**
 * Sets a mount's expiry.
 *
 * @param ttl Milliseconds from now; null for never.
 * @throws {AloeError} `mount_invalid`, also when it has already expired.
 */
export async function renewMount(
  db: Database,
  mount: MountRef,
  ttl: number | null,
  options: RenewMountOptions = {},
): Promise<MountInfo> {
  const id = mountId(mount);
  return await writeMounts(db, async (tx) => {
    const row = options.expired ? await tx.first(getMount, { mount: id }) : undefined;
    if (row === undefined || row.state === "unmounted") await resolve(tx, id, "/");
    await tx.run(setMountExpiry, { mount: id, expiresAt: expiry(ttl) });
    return await describe(tx, (await tx.first(getMount, { mount: id }))!);
  });
}

/**
 * Ends a mount, releases its locks and overwrites its key. Idempotent.
 *
 * @throws {AloeError} `mount_invalid` when an id is given and no such mount exists.
 */
export async function unmount(db: Database, mount: MountRef): Promise<void> {
  const id = mountId(mount);
  // Overwrite the key first, even if a later step fails.
  db.extension(MountSecrets).forget(id);
  if (typeof mount !== "string") mount.forget();
  const found = await writeMounts(db, async (tx) => {
    await tx.run(deleteMountLocks, { mount: id });
    return await tx.run(endMount, { mount: id });
  });
  // Another process may have ended and pruned the mount of a handle.
  if (found === 0 && typeof mount === "string") {
    throw new AloeError("mount_invalid", `${id}: no such mount`);
  }
}

/**
 * Runs a transaction that writes mounts and locks, which a read-only database keeps in its own
 * tables.
 */
function writeMounts<T>(db: Database, task: (tx: Transaction) => Promise<T>): Promise<T> {
  return db.write(task, { frees: true, temporary: true });
}

async function unlockFor(
  db: Database,
  volume: string,
  pin?: Pin,
): Promise<Uint8Array | null> {
  if (pin !== undefined) return await unlockVolume(db, volume, pin);
  const row = await db.query((tx) => tx.first(volumeKey, { volume }));
  if (row === undefined) {
    throw new AloeError("not_found", `${volume}: no such volume`);
  }
  requireOneKind(row);
  if (row.enc_mode !== "none") {
    throw new AloeError(
      "encryption_required",
      "the volume is encrypted: its PIN is needed",
    );
  }
  return null;
}

function makeHandle(
  db: Database,
  id: string,
  volume: string,
  mode: EncryptionMode,
  key: Uint8Array | null,
  nonce: Uint8Array,
  token?: Uint8Array,
): MountHandle {
  if (key === null || mode === "none") {
    return new MountHandle(id, volume, null, null);
  }
  let held = token?.slice() ?? null;
  // One sealed key for each mount, so that attaching by PIN keeps the first handle's token valid.
  if (!db.extension(MountSecrets).has(id)) {
    held = crypto.getRandomValues(new Uint8Array(TOKEN_LENGTH));
    db.extension(MountSecrets).set(id, sealMountSecret(held, nonce, key));
  }
  return new MountHandle(
    id,
    volume,
    createChunkCipher(volume, mode, key),
    held,
  );
}

async function descend(
  tx: Transaction,
  root: string | null,
  names: string[],
): Promise<string> {
  if (root === null) throw new AloeError("corrupt", "the volume has no root");
  let node = root;
  for (const name of names) {
    const child = await tx.first(childByName, { parent: node, name });
    if (child === undefined) {
      throw new AloeError(
        "not_found",
        `${joinPath(names)}: no such directory to mount at`,
      );
    }
    if (child.type !== "container") {
      throw new AloeError(
        "not_a_container",
        `${joinPath(names)}: is not a directory`,
      );
    }
    node = child.node_id;
  }
  return node;
}

async function refuseOverlap(
  tx: Transaction,
  volume: string,
  mountPoint: string,
): Promise<void> {
  const above = new Set(
    (await tx.all(ancestors, { node: mountPoint })).map((row) => row.node_id),
  );
  for (const other of await tx.all(writableMounts, { volume, now: now() })) {
    const theirs = await tx.all(ancestors, { node: other.mount_point });
    const overlaps = above.has(other.mount_point) ||
      theirs.some((row) => row.node_id === mountPoint);
    if (overlaps) {
      throw new AloeError(
        "mount_conflict",
        `mount ${other.mount_id} writes to this subtree`,
      );
    }
  }
}

async function describe(tx: Transaction, row: {
  mount_id: string;
  volume_id: string;
  mount_point: string;
  state: string;
  expires_at: bigint | null;
  created_at: bigint;
  access: string;
  principal: string | null;
}): Promise<MountInfo> {
  const volume = await tx.first(volumeKey, { volume: row.volume_id });
  const above = await tx.all(ancestors, { node: row.mount_point });
  const placed = above.at(-1)?.node_id === volume?.root_node_id;
  const names = above.map((step) => step.name).filter((name) => name !== null)
    .reverse();
  return {
    id: row.mount_id,
    volume: row.volume_id,
    mountPoint: row.mount_point,
    mountPath: placed ? joinPath(names) : null,
    state: row.state as MountState,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    access: row.access as Access,
    principal: row.principal,
  };
}

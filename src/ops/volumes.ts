import { insertNode } from "../../templates/node.ts";
import {
  findVolumes,
  insertVolume,
  listVolumes as listVolumesTemplate,
  setVolumeKey,
  setVolumeName,
  setVolumeRoot,
  volumeKey,
} from "../../templates/volume.ts";
import { putVolumeSeal, volumeSeal } from "../../templates/seal.ts";
import { now } from "../clock.ts";
import { wipe } from "../crypto/bytes.ts";
import {
  newVolumeKey,
  unlockKey,
  unwrapVolumeKey,
  volumeHash,
  type WrappedKey,
  wrapVolumeKey,
} from "../crypto/key_ladder.ts";
import { AloeError } from "../errors.ts";
import { volumeText } from "../content_seals.ts";
import { randomNonce } from "../crypto/aead.ts";
import { MetadataKey } from "../crypto/metadata_key.ts";
import { mint, uuid7, type Watermark } from "../ids.ts";
import { checkText } from "../paths.ts";
import { MAX_CHUNK_SIZE } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { EncryptionMode, Pin, VolumeInfo } from "../types.ts";

/** Options of {@linkcode createVolume}. */
export interface CreateVolumeOptions {
  /** The name. Default: none. */
  name?: string;
  /** The size of a full chunk in bytes, which cannot be changed later. Default 1 MiB. */
  chunkSize?: number;
  /** Encrypts the volume. The empty PIN is valid. */
  pin?: Pin;
  /** The encryption mode of an encrypted volume. Default `convergent`. */
  encryption?: Exclude<EncryptionMode, "none">;
  /** Whether to refuse the name of an existing volume. Default false. */
  unique?: boolean;
}

/** The default size of a full chunk, in bytes. */
export const DEFAULT_CHUNK_SIZE = 1024 * 1024;

/**
 * Creates a volume with an empty root.
 *
 * @throws {AloeError} `invalid` for a bad chunk size or a mode without a PIN; `already_exists` when
 *   the name must be unique but exists.
 */
export async function createVolume(
  db: Database,
  options: CreateVolumeOptions = {},
): Promise<VolumeInfo> {
  return await makeVolume(db, options, async () => {});
}

/**
 * Creates a volume and runs further steps in one transaction.
 *
 * @param more The further steps.
 */
export async function makeVolume(
  db: Database,
  options: CreateVolumeOptions,
  more: (tx: Transaction, volume: { id: string; root: string }) => Promise<void>,
): Promise<VolumeInfo> {
  const { name = null, chunkSize = DEFAULT_CHUNK_SIZE, pin } = options;
  if (
    !Number.isSafeInteger(chunkSize) || chunkSize < 1 ||
    chunkSize > MAX_CHUNK_SIZE
  ) {
    throw new AloeError(
      "invalid",
      `a chunk has 1 to ${MAX_CHUNK_SIZE} bytes, not ${chunkSize}`,
    );
  }
  if (pin === undefined && options.encryption !== undefined) {
    throw new AloeError("invalid", "an encrypted volume needs a PIN");
  }
  if (name !== null) checkText(name, "the name of a volume");
  const id = uuid7();
  const createdAt = now();
  const mark: Watermark = { ts: 0, seq: 0, moved: false };
  const root = mint(mark);
  const encryption = pin === undefined ? "none" : options.encryption ?? "convergent";
  // Argon2 takes a quarter of a second, so run it before the transaction.
  const wrapped = pin === undefined
    ? null
    : await wrapNewKey(id, root, pin, (key) =>
      key.tag(volumeText({ volume: id, root, mode: encryption, chunkSize, watermark: root })));
  await db.write(async (tx) => {
    if (
      options.unique && name !== null &&
      (await tx.first(findVolumes, { key: name }))
    ) {
      throw new AloeError(
        "already_exists",
        `a volume named ${JSON.stringify(name)} exists`,
      );
    }
    await tx.run(insertVolume, {
      volume: id,
      name,
      createdAt,
      chunkSize,
      ts: mark.ts,
      seq: mark.seq,
      mode: encryption,
    });
    await tx.run(insertNode, {
      node: root,
      type: "container",
      name: "/",
      createdAt,
      modifiedAt: createdAt,
      volume: id,
    });
    await tx.run(setVolumeRoot, { volume: id, root });
    if (wrapped !== null) {
      await tx.run(setVolumeKey, {
        volume: id,
        wrapped: wrapped.bytes,
        nonce: wrapped.nonce,
      });
      await tx.run(putVolumeSeal, { volume: id, watermark: root, tag: wrapped.tag });
    }
    await more(tx, { id, root });
  });
  return { id, name, root, createdAt, chunkSize, encryption };
}

/** @param seal Returns the volume's tag. */
async function wrapNewKey(
  volume: string,
  root: string,
  pin: Pin,
  seal: (key: MetadataKey) => Uint8Array,
): Promise<WrappedKey & { tag: Uint8Array }> {
  const key = newVolumeKey();
  const metadata = new MetadataKey(key, volume);
  try {
    const nonce = metadata.markedNonce();
    return { ...await wrapKey(volume, root, pin, key, nonce), tag: seal(metadata) };
  } finally {
    wipe(key);
    metadata.destroy();
  }
}

async function wrapKey(
  volume: string,
  root: string,
  pin: Pin,
  key: Uint8Array,
  nonce: Uint8Array,
): Promise<WrappedKey> {
  const unlock = await unlockKey(pin, volumeHash(volume, root));
  try {
    return wrapVolumeKey(unlock, key, nonce);
  } finally {
    wipe(unlock);
  }
}

/** Returns all volumes of the file, oldest first. */
export async function listVolumes(db: Database): Promise<VolumeInfo[]> {
  const rows = await db.query((tx) => tx.all(listVolumesTemplate, {}));
  return rows.map(volumeInfo);
}

/**
 * Returns a volume.
 *
 * @param nameOrId Its id or name. Default: the only volume of the file. Of several volumes with one
 *   name, the newest is returned.
 * @throws {AloeError} `not_found`; `invalid` when it is omitted and there are several volumes.
 */
export async function getVolume(
  db: Database,
  nameOrId?: string,
): Promise<VolumeInfo> {
  return await db.query((tx) => findVolume(tx, nameOrId));
}

/**
 * A volume by its name or id; the only one without either.
 *
 * @param sole Whether several volumes of the name are refused.
 * @throws {AloeError} `not_found`, `invalid`.
 */
export async function findVolume(
  tx: Transaction,
  nameOrId?: string,
  sole = false,
): Promise<VolumeInfo> {
  if (nameOrId === undefined) {
    const all = await tx.all(listVolumesTemplate, {});
    if (all.length === 0) {
      throw new AloeError("not_found", "the file has no volume yet");
    }
    if (all.length > 1) {
      const names = all.map((row) => row.name ?? row.volume_id).join(", ");
      throw new AloeError(
        "invalid",
        `the file has ${all.length} volumes: name one of ${names}`,
      );
    }
    return volumeInfo(all[0]);
  }
  const found = await tx.all(findVolumes, { key: nameOrId });
  if (found.length === 0) {
    throw new AloeError(
      "not_found",
      `no volume is named ${JSON.stringify(nameOrId)}`,
    );
  }
  const exact = found.find((row) => row.volume_id === nameOrId);
  if (sole && exact === undefined && found.length > 1) {
    const ids = found.map((row) => row.volume_id).join(", ");
    throw new AloeError("invalid", `${found.length} volumes have this name: give an id of ${ids}`);
  }
  return volumeInfo(exact ?? found[0]);
}

/**
 * Renames a volume, or removes its name.
 *
 * @throws {AloeError} `not_found`.
 */
export async function renameVolume(
  db: Database,
  nameOrId: string,
  name: string | null,
): Promise<void> {
  if (name !== null) checkText(name, "the name of a volume");
  await db.write(async (tx) => {
    const { id } = await findVolume(tx, nameOrId);
    await tx.run(setVolumeName, { volume: id, name });
  });
}

/**
 * Replaces the PIN of an encrypted volume. Chunks and live mounts stay.
 *
 * @throws {AloeError} `not_found`, `bad_key`, `encryption_required`.
 */
export async function changePin(
  db: Database,
  nameOrId: string,
  oldPin: Pin,
  newPin: Pin,
): Promise<void> {
  const volume = await getVolume(db, nameOrId);
  const key = await unlockVolume(db, volume.id, oldPin);
  const metadata = new MetadataKey(key, volume.id);
  try {
    const { tag, wrap_nonce } = (await db.query((tx) =>
      tx.first(volumeSeal, { volume: volume.id })
    ))!;
    const sealed = tag !== null || (wrap_nonce !== null && metadata.isMarked(wrap_nonce));
    const nonce = sealed ? metadata.markedNonce() : randomNonce();
    const wrapped = await wrapKey(volume.id, volume.root, newPin, key, nonce);
    await db.write((tx) =>
      tx.run(setVolumeKey, { volume: volume.id, wrapped: wrapped.bytes, nonce: wrapped.nonce })
    );
  } finally {
    wipe(key);
    metadata.destroy();
  }
}

/**
 * Checks a PIN.
 *
 * @throws {AloeError} `not_found`, `bad_key`, `encryption_required` for a plain volume.
 */
export async function checkPin(
  db: Database,
  nameOrId: string,
  pin: Pin,
): Promise<void> {
  const volume = await getVolume(db, nameOrId);
  wipe(await unlockVolume(db, volume.id, pin));
}

/**
 * Unwraps a volume's key.
 *
 * @returns `K_v`, for the caller to wipe.
 * @throws {AloeError} `bad_key`, `encryption_required`, `corrupt`.
 */
export async function unlockVolume(
  db: Database,
  volume: string,
  pin: Pin,
): Promise<Uint8Array> {
  const row = await db.query((tx) => tx.first(volumeKey, { volume }));
  if (row === undefined) {
    throw new AloeError("not_found", `${volume}: no such volume`);
  }
  requireOneKind(row);
  if (row.enc_mode === "none") {
    throw new AloeError(
      "encryption_required",
      "the volume is not encrypted, but a PIN was given",
    );
  }
  if (
    row.wrapped_key === null || row.wrap_nonce === null ||
    row.root_node_id === null
  ) {
    throw new AloeError(
      "corrupt",
      "the volume is encrypted but its key is missing",
    );
  }
  const unlock = await unlockKey(
    pin,
    volumeHash(row.volume_id, row.root_node_id),
  );
  try {
    const key = unwrapVolumeKey(unlock, {
      bytes: row.wrapped_key,
      nonce: row.wrap_nonce,
    });
    if (key === null) {
      throw new AloeError("bad_key", "the PIN does not unlock the volume");
    }
    return key;
  } finally {
    wipe(unlock);
  }
}

/**
 * Checks that an encrypted volume has a key, and a plain one has none.
 *
 * @throws {AloeError} `corrupt`.
 */
export function requireOneKind(row: {
  volume_id: string;
  enc_mode: string;
  wrapped_key: Uint8Array | null;
}): void {
  if ((row.enc_mode === "none") === (row.wrapped_key === null)) return;
  throw new AloeError(
    "corrupt",
    row.wrapped_key === null
      ? `volume ${row.volume_id}: is encrypted but its key is missing`
      : `volume ${row.volume_id}: has a key but says that it is not encrypted`,
  );
}

function volumeInfo(row: {
  volume_id: string;
  root_node_id: string | null;
  name: string | null;
  created_at: bigint;
  chunk_size: number | bigint;
  enc_mode: string;
}): VolumeInfo {
  return {
    id: row.volume_id,
    name: row.name,
    root: row.root_node_id ?? "",
    createdAt: row.created_at,
    chunkSize: Number(row.chunk_size),
    encryption: row.enc_mode as EncryptionMode,
  };
}

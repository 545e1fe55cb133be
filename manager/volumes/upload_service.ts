import { BodyReader } from "../http/body_memory.ts";
import * as internal from "../../src/internal.ts";
import { Problem } from "../http/problem.ts";
import type { Publisher } from "./feed_events.ts";
import { type Checksum, stagePiece } from "./staged_piece.ts";
import { writePieces } from "./upload_room.ts";
import { encodeTarget, targetOf, type UploadTarget, writeOptionsOf } from "./upload_target.ts";
import type { OpenVolume } from "./volume_service.ts";

/** Finished uploads that are remembered, for clients that lost the response. */
const MOST_FINISHED = 1000;

/** How often creating an upload looks for expired ones, ms. */
const SWEEP_MS = 60_000;

/** An upload that is finished: its size, and what became of it. */
export interface FinishedUpload {
  /** Bytes. */
  size: number;
  result: internal.PutFileResult;
}

/** An upload that is not finished. */
export interface PendingUpload extends internal.UploadInfo {
  target: UploadTarget;
  /** Whether a request is writing it. */
  active: boolean;
}

/** A piece that does not begin where its upload ends. */
export class WrongOffset extends Problem {
  /** Where the upload ends, bytes. */
  readonly offset: number;

  constructor(offset: number) {
    super(409, "mount_conflict", `the upload continues at ${offset}`);
    this.offset = offset;
  }
}

/** An upload that another request is writing. */
export class UploadBusy extends Problem {
  constructor(id: string) {
    super(423, "lock_held", `${id}: another request is writing this upload`, {
      headers: { "retry-after": "1" },
    });
  }
}

/** A piece of an upload, as a client sends it. */
export interface UploadPiece {
  /** Where it begins, bytes. */
  offset: number;
  /** What its client says that it measures, bytes; 0 where that is not said. */
  announced: number;
  /** Its bytes. @param limit How many there may be. */
  body: (limit: number) => AsyncIterable<Uint8Array>;
  /** What it has to come to; null where that is not said. */
  checksum: Checksum | null;
}

/** What uploads need. */
export interface UploadServiceOptions {
  /** Is told of files that are finished. */
  feed: Pick<Publisher, "publishAt">;
  /** Bytes that an upload has at most. */
  maxBytes: number;
  /** How long an upload is kept after its last piece, ms. */
  keepMs: number;
}

/**
 * Files that come in several requests. What has come of one is in its volume,
 * under a node without a name, until all of it is there.
 */
export class UploadService {
  readonly #options: UploadServiceOptions;
  /** The uploads that a request is writing. */
  readonly #active = new Set<string>();
  readonly #finished = new Map<string, FinishedUpload>();
  /** When a filesystem was swept last, by `performance.now`. */
  readonly #swept = new Map<string, number>();

  constructor(options: UploadServiceOptions) {
    this.#options = options;
  }

  /** Bytes that an upload has at most. */
  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  /** @throws {Problem} 413 for a length beyond the limit. */
  checkLength(length: number | null): void {
    const { maxBytes } = this.#options;
    if (length === null || length <= maxBytes) return;
    throw new Problem(413, "too_large", `an upload may have ${maxBytes} bytes at most`);
  }

  /** The uploads of a volume that are not finished, oldest first. */
  async list(volume: OpenVolume): Promise<PendingUpload[]> {
    const all = await internal.listUploads(volume.fs.db, volume.mount.handle);
    return all.filter(({ note }) => note !== "").map((upload) => this.#pending(upload));
  }

  /**
   * Begins an upload.
   *
   * @param length Bytes of the file; null where that is said later.
   * @returns Its id.
   * @throws {AloeError} What writing the file would throw.
   */
  async begin(volume: OpenVolume, target: UploadTarget, length: number | null): Promise<string> {
    await this.#sweep(volume);
    await volume.checkWrite(target.path, writeOptionsOf(target));
    const { id } = await internal.beginUpload(volume.fs.db, volume.mount.handle, {
      length,
      note: encodeTarget(target),
      ttl: this.#options.keepMs,
    });
    return id;
  }

  /**
   * Appends a piece to an upload, and finishes it with its last one. What has come
   * of a piece is kept however its request ends.
   *
   * @param piece Null to finish an upload that is complete.
   * @param length Bytes of the file, where that was not said before.
   * @returns Where the upload ends then, bytes.
   * @throws {WrongOffset}
   * @throws {UploadBusy}
   * @throws {Problem} 413; 460 for a wrong checksum.
   */
  async append(
    volume: OpenVolume,
    id: string,
    piece: UploadPiece | null,
    length: number | null = null,
  ): Promise<number> {
    return await this.#alone(id, async () => {
      const { fs: { db }, mount: { handle } } = volume;
      if (length !== null) await internal.setLengthOfUpload(db, handle, id, length);
      const upload = await internal.getUpload(db, handle, id);
      const target = targetOf(upload);
      const size = piece === null ? upload.size : await this.#write(volume, upload, piece);
      if (size === upload.length) await this.#finish(volume, { ...upload, size }, target);
      return size;
    });
  }

  /** What became of an upload; null for one that is not finished, or not known. */
  finished(id: string): FinishedUpload | null {
    return this.#finished.get(id) ?? null;
  }

  /**
   * One upload. Finishes one that is complete, whose last request has died.
   *
   * @param openForWriting Opens the volume for that.
   * @throws {AloeError} `not_found`; what writing the file throws.
   */
  async get(
    volume: OpenVolume,
    id: string,
    openForWriting: () => Promise<OpenVolume>,
  ): Promise<PendingUpload> {
    const upload = await internal.getUpload(volume.fs.db, volume.mount.handle, id);
    const pending = this.#pending(upload);
    if (upload.size === upload.length && !pending.active) {
      await using writing = await openForWriting();
      await this.#alone(id, () => this.#finish(writing, upload, pending.target));
    }
    return pending;
  }

  /** When an upload expires, ns. @throws {AloeError} `not_found`. */
  async expiryOf(volume: OpenVolume, id: string): Promise<bigint> {
    return (await internal.getUpload(volume.fs.db, volume.mount.handle, id)).expiresAt;
  }

  /**
   * Ends an upload, and frees what has come of it.
   *
   * @throws {UploadBusy}
   * @throws {AloeError} `not_found`.
   */
  async abort({ fs: { db }, mount: { handle } }: OpenVolume, id: string): Promise<void> {
    await this.#alone(id, async () => {
      targetOf(await internal.getUpload(db, handle, id));
      await internal.dropUpload(db, handle, id);
      await internal.reclaimAll(db);
    });
  }

  async #write(
    volume: OpenVolume,
    upload: internal.UploadInfo,
    { offset, announced, body, checksum }: UploadPiece,
  ): Promise<number> {
    const { fs: { db }, mount: { handle } } = volume;
    const { maxBytes, keepMs } = this.#options;
    if (offset !== upload.size) throw new WrongOffset(upload.size);
    const limit = Math.min(maxBytes, upload.length ?? Infinity);
    if (offset + announced > limit) {
      throw new Problem(413, "too_large", `the upload may have ${limit} bytes at most`);
    }
    const pieces = body(limit - offset);
    await using staged = checksum === null ? null : await stagePiece(volume, pieces, checksum);
    const open = () => internal.openUpload(db, handle, upload.id, { ttl: keepMs, limit: maxBytes });
    const reader = new BodyReader(staged?.pieces() ?? pieces);
    return await writePieces(open, volume.volume.chunkSize, reader) ?? offset;
  }

  async #finish(
    { fs: { db }, mount, volume }: OpenVolume,
    { id, size }: internal.UploadInfo,
    target: UploadTarget,
  ): Promise<void> {
    const options = writeOptionsOf(target);
    const result = await internal.finishUpload(db, mount.handle, id, target.path, options);
    this.#finished.set(id, { size, result });
    if (this.#finished.size > MOST_FINISHED) {
      this.#finished.delete(this.#finished.keys().next().value!);
    }
    if (result.outcome === "skipped") await internal.reclaimAll(db);
    else this.#options.feed.publishAt("changed", volume, result.path);
  }

  #pending(upload: internal.UploadInfo): PendingUpload {
    return { ...upload, target: targetOf(upload), active: this.#active.has(upload.id) };
  }

  /** One request at a time writes an upload. @throws {UploadBusy} */
  async #alone<T>(id: string, task: () => Promise<T>): Promise<T> {
    if (this.#active.has(id)) {
      throw new UploadBusy(id);
    }
    this.#active.add(id);
    try {
      return await task();
    } finally {
      this.#active.delete(id);
    }
  }

  async #sweep({ fs, volume }: OpenVolume): Promise<void> {
    const last = this.#swept.get(volume.fsId) ?? -Infinity;
    if (performance.now() - last < SWEEP_MS) return;
    this.#swept.set(volume.fsId, performance.now());
    await internal.clearAbandoned(fs.db);
  }
}

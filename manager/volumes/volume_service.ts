import type { AloeLite, Mount, NodeInfo } from "../../mod.ts";
import { AloeError } from "../../src/errors.ts";
import { decodeText } from "../../src/names.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { joinPath, splitPath } from "../../src/paths.ts";
import { requireConditions, type WriteConditions } from "../http/etag.ts";
import { Problem } from "../http/problem.ts";
import type { Access, AccessRequest, VolumeAccess } from "./access.ts";
import type { VolumeFacts } from "./facts.ts";
import type { Publisher } from "./feed_events.ts";
import { newName, newPath } from "./new_names.ts";
import { checkBeforeBody, storeFile } from "./store.ts";

/** How a file is written. */
export interface WriteOptions {
  /** Whether missing directories above it are made. Default false. */
  parents?: boolean;
  /** What is done where the name is taken. Default `replace`. */
  onConflict?: ops.OnConflict;
  /** The modification time that it gets, ns; now when left out. */
  modifiedAt?: bigint;
  /** What has to hold of the content that is there, or of there being none. */
  conditions?: WriteConditions | null;
}

/** What was written. */
export interface Written extends internal.PutFileResult {
  /** The tag of the content; null when another client has changed it meanwhile. */
  tag: string | null;
}

/** How a node is removed. */
export interface RemoveOptions {
  /** Whether a directory goes with all that is in it. Default false. */
  recursive?: boolean;
  /** What has to hold of the content that is there. */
  conditions?: WriteConditions | null;
}

/** What nodes are moved or copied, and where to. */
export interface TransferRequest {
  /** Their paths. */
  from: readonly string[];
  /** The directory that they go to. */
  to: string;
  /** The name that one node gets there; its own when left out. */
  name?: string;
  /** What is done where a name is taken. Default `fail`. */
  onConflict?: ops.OnConflict;
}

/** What of a node can be changed; what is left out stays. */
export interface NodeChanges {
  /** Annotations, in place of those that it has. */
  metadata?: Record<string, string>;
  /** How many versions are kept; null for the volume's default. */
  retention?: number | null;
  /** Permission bits. */
  mode?: number;
  /** ns */
  modifiedAt?: bigint;
}

/** What is known of a node. */
export interface NodeStat {
  info: NodeInfo;
  /** Null for a node in the trash. */
  path: string | null;
  /** Of a symbolic link, what it leads to. */
  linkTarget?: string;
}

/** A page of a directory. */
export type ListingPage = Awaited<ReturnType<typeof internal.listDetails>> & { path: string };

/**
 * Volumes, for each protocol in front of them: who may use one, how names and
 * preconditions are checked, and who is told of changes is decided here.
 */
export class VolumeService {
  readonly #access: Pick<VolumeAccess, "open">;
  readonly #feed: Publisher;

  /** @param feed Is told of what is changed. */
  constructor(access: Pick<VolumeAccess, "open">, feed: Publisher) {
    this.#access = access;
    this.#feed = feed;
  }

  /**
   * Opens a volume for a client.
   *
   * @returns It, to be disposed when the response is done.
   * @throws {Problem} 401 `encryption_required` when the session has not proved its PIN.
   * @throws {AloeError} `not_found`.
   */
  async open(id: string, request: AccessRequest): Promise<OpenVolume> {
    return new OpenVolume(await this.#access.open(id, request), this.#feed);
  }
}

/** A volume that is open for a request, with what a client can do in it. */
export class OpenVolume implements Access {
  readonly fs: AloeLite;
  readonly mount: Mount;
  readonly volume: VolumeFacts;
  readonly #access: Access;
  readonly #feed: Publisher;

  constructor(access: Access, feed: Publisher) {
    this.fs = access.fs;
    this.mount = access.mount;
    this.volume = access.volume;
    this.#access = access;
    this.#feed = feed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#access[Symbol.asyncDispose]();
  }

  /**
   * Opens a file for reading, as it is now or as it was.
   *
   * @param version One that is kept; the current one when left out.
   * @returns The file, and its bytes where there are few.
   * @throws {AloeError} `not_found`, `not_an_entry`; `unsupported` for a device, a FIFO or a socket.
   */
  async read(
    target: ops.Target,
    version?: number,
  ): Promise<Awaited<ReturnType<typeof internal.openSmallSnapshot>>> {
    const options = version === undefined ? {} : { version };
    const found = await internal.openSmallSnapshot(this.fs.db, this.mount.handle, target, options);
    if (found.snapshot.size === 0) await this.#refuseSpecial(found.snapshot.node);
    return found;
  }

  /** Refuses what has no content: it is not answered as an empty file is. */
  async #refuseSpecial(node: string): Promise<void> {
    const { type, device, name } = await ops.statById(this.fs.db, this.mount.handle, node);
    const kind = device === null ? type : `${device.kind} device`;
    if (kind === "entry" || kind === "symlink") return;
    throw new AloeError("unsupported", `${name}: is a ${kind}, which has no content`);
  }

  /**
   * Writes a file: all of it, or nothing. What forbids it is found before the
   * first piece is asked for, where it can be.
   *
   * @throws {Problem} 412 for a condition that does not hold; what the pieces throw.
   * @throws {AloeError} `not_found`, `already_exists`, `not_an_entry`, `no_space`, …
   */
  async write(
    target: ops.Target,
    pieces: AsyncIterable<Uint8Array>,
    { conditions = null, ...options }: WriteOptions = {},
  ): Promise<Written> {
    const path = "path" in target ? newPath(target.path) : await this.pathOf(target);
    const all: internal.PutFileOptions = {
      ...options,
      ...(conditions === null ? {} : {
        condition: (current) => requireConditions(conditions, current?.tag ?? null),
      }),
    };
    await this.checkWrite(path, all);
    const result = await this.#store(path, pieces, all);
    return { ...result, tag: await this.#tagOf(result) };
  }

  /**
   * Fails where writing a file would fail at its end, before its content has come.
   *
   * @throws {AloeError} As {@linkcode write}.
   */
  async checkWrite(path: string, options: internal.PutFileOptions): Promise<void> {
    await checkBeforeBody({ fs: this.fs, mount: this.mount, path }, options);
  }

  /**
   * What writes several files into a directory, below which directories are made.
   * Two of one name are refused, whatever is done where a name is taken.
   *
   * @throws {AloeError} `not_found`, `not_a_container`.
   */
  async writerInto(
    directory: string,
    onConflict: ops.OnConflict,
  ): Promise<(name: string, pieces: AsyncIterable<Uint8Array>) => Promise<internal.PutFileResult>> {
    const { type } = await ops.stat(this.fs.db, this.mount.handle, directory);
    if (type !== "container") {
      throw new AloeError("not_a_container", `${directory}: is not a directory`);
    }
    const written = new Set<string>();
    return async (name, pieces) => {
      const path = newPath(`${directory}/${name}`);
      if (name.split("/").every((part) => part === "")) {
        throw new Problem(400, "nameless", "a file in the form has no name");
      }
      const result = await this.#store(path, pieces, {
        parents: true,
        onConflict,
        over: ({ node }) => {
          if (!written.has(node)) return;
          throw new AloeError("already_exists", `${path}: two files of the form have this name`);
        },
      });
      if (result.outcome !== "skipped") written.add(result.node);
      return result;
    };
  }

  async #store(
    path: string,
    pieces: AsyncIterable<Uint8Array>,
    options: internal.PutFileOptions,
  ): Promise<internal.PutFileResult> {
    const { fs, mount, volume } = this;
    const destination = { fs, mount, path, chunkSize: volume.chunkSize };
    const result = await storeFile(destination, pieces, options);
    if (result.outcome !== "skipped") this.#feed.publishAt("changed", volume, result.path);
    return result;
  }

  /** The tag of what was written; null when another client has written on meanwhile. */
  async #tagOf({ node, version }: internal.PutFileResult): Promise<string | null> {
    try {
      const snapshot = await internal.openSnapshot(this.fs.db, this.mount.handle, { node });
      return snapshot.version === version ? snapshot.tag : null;
    } catch (error) {
      if (error instanceof AloeError) return null;
      throw error;
    }
  }

  /**
   * Puts a node into the trash.
   *
   * @throws {Problem} 400 for the top directory; 412 for a condition that does not hold.
   * @throws {AloeError} `not_found`, `not_empty`.
   */
  async remove(
    target: ops.Target,
    { recursive = false, conditions = null }: RemoveOptions = {},
  ): Promise<void> {
    const { handle } = this.mount;
    const run = async (db: ops.Database) => {
      const path = "path" in target ? target.path : await ops.pathOf(db, handle, target.node);
      const { type } = await ops.stat(db, handle, path);
      if (/^\/*$/.test(path)) {
        throw new Problem(400, "invalid", "the top directory cannot be removed");
      }
      if (conditions !== null) {
        const tag = type === "entry" ? (await internal.openSnapshot(db, handle, { path })).tag : "";
        requireConditions(conditions, tag);
      }
      if (recursive) await ops.removeRecursive(db, handle, path);
      else await ops.remove(db, handle, path);
    };
    await this.#batchOrDivided(run);
    this.#publish("deleted");
  }

  /**
   * Lists a directory, page by page, in the order of being placed.
   *
   * @param options `after` is the `next` of the page before.
   * @throws {AloeError} `not_found`, `not_a_container`.
   */
  async list(
    target: ops.Target,
    options: { limit: number; after?: string },
  ): Promise<ListingPage> {
    const page = await internal.listDetails(this.fs.db, this.mount.handle, target, options);
    return { ...page, path: await this.pathOf(target) };
  }

  /** What is known of a node. @throws {AloeError} `not_found`. */
  async stat(target: ops.Target): Promise<NodeStat> {
    const { db } = this.fs;
    const { handle } = this.mount;
    if ("path" in target) {
      const info = await ops.stat(db, handle, target.path);
      return await this.#withLinkTarget(info, normalPath(target.path));
    }
    const info = await ops.statById(db, handle, target.node);
    let path: string | null = null;
    try {
      path = await ops.pathOf(db, handle, target.node);
    } catch (error) {
      // What is in the trash has no path.
      if (!(error instanceof AloeError && error.code === "not_found")) throw error;
    }
    return await this.#withLinkTarget(info, path);
  }

  async #withLinkTarget(info: NodeInfo, path: string | null): Promise<NodeStat> {
    if (info.type !== "symlink" || (info.size ?? 0) > internal.LONGEST_TARGET) {
      return { info, path };
    }
    const bytes = await ops.readAllById(this.fs.db, this.mount.handle, info.id);
    return { info, path, linkTarget: decodeText(bytes) };
  }

  /** The path of a node, in one form. @throws {AloeError} `not_found`. */
  async pathOf(target: ops.Target): Promise<string> {
    return "path" in target
      ? normalPath(target.path)
      : await ops.pathOf(this.fs.db, this.mount.handle, target.node);
  }

  /**
   * Changes what is known of a node: all of it, or nothing.
   *
   * @returns Its path.
   * @throws {AloeError} `not_found`.
   */
  async change(
    target: ops.Target,
    { metadata, retention, mode, modifiedAt }: NodeChanges,
  ): Promise<string> {
    const { handle } = this.mount;
    const path = await this.pathOf(target);
    await this.fs.db.batch(async (db) => {
      if (metadata !== undefined) await ops.setMetadata(db, handle, path, metadata);
      if (retention !== undefined) await ops.setRetention(db, handle, path, retention);
      if (mode !== undefined) await ops.setMode(db, handle, path, mode);
      if (modifiedAt !== undefined) await ops.setMtime(db, handle, path, modifiedAt);
    });
    this.#feed.publishAt("changed", this.volume, path);
    return path;
  }

  /**
   * Makes a directory.
   *
   * @param options `parents` makes those above it that are missing.
   * @throws {Problem} 400 for a name that nothing new may have.
   * @throws {AloeError} `already_exists`, `not_found`.
   */
  async mkdir(
    wanted: string,
    options: { parents?: boolean } = {},
  ): Promise<{ node: string; path: string }> {
    const path = newPath(wanted);
    const { parents = false } = options;
    const node = await ops.mkdir(this.fs.db, this.mount.handle, path, { parents });
    this.#feed.publishAt("created", this.volume, path);
    return { node, path };
  }

  /** Moves nodes into a directory: all of them, or none. @throws As {@linkcode copy}. */
  async move(request: TransferRequest): Promise<internal.Placed[]> {
    return await this.#transfer("move", request);
  }

  /**
   * Copies nodes into a directory: all of them, or none.
   *
   * @returns Where each of them is, in their order.
   * @throws {Problem} 400 for a name that nothing new may have.
   * @throws {AloeError} `not_found`, `already_exists`, `would_cycle`, …
   */
  async copy(request: TransferRequest): Promise<internal.Placed[]> {
    return await this.#transfer("copy", request);
  }

  async #transfer(
    operation: "move" | "copy",
    request: TransferRequest,
  ): Promise<internal.Placed[]> {
    if (request.name !== undefined) newName(request.name);
    const items = await internal.moveOrCopy(this.fs.db, this.mount.handle, {
      operation,
      ...request,
    });
    this.#publish(operation === "move" ? "renamed" : "created");
    return items;
  }

  /** The versions of a file that can be read, newest first. @throws {AloeError} `not_found`. */
  async history(target: ops.Target): ReturnType<typeof ops.history> {
    return await ops.history(this.fs.db, this.mount.handle, await this.pathOf(target));
  }

  /**
   * Makes an old version of a file the current one, as a new version.
   *
   * @throws {AloeError} `not_found`.
   */
  async restoreVersion(
    path: string,
    old: number,
  ): Promise<{ node: string; version: number; size: number }> {
    const { db } = this.fs;
    const version = await ops.restoreVersion(db, this.mount.handle, path, old);
    const { id, size } = await ops.stat(db, this.mount.handle, path);
    this.#feed.publishAt("changed", this.volume, path);
    return { node: id, version, size: size ?? 0 };
  }

  /** What is in the trash, newest first. */
  trash(): ReturnType<typeof ops.listTrash> {
    return ops.listTrash(this.fs.db, this.mount.handle);
  }

  /**
   * Brings nodes back from the trash: all of them, or none.
   *
   * @param options `to` is the path that a single node gets.
   * @throws {Problem} 400 for a name that nothing new may have.
   * @throws {AloeError} `not_found`, `already_exists`.
   */
  async restore(
    ids: readonly string[],
    { to, onConflict = "fail" }: { to?: string; onConflict?: ops.OnConflict } = {},
  ): Promise<({ id: string } & ops.Restored)[]> {
    const place = to === undefined ? { onConflict } : { onConflict, to: newPath(to) };
    const { handle } = this.mount;
    const items = await this.fs.db.batch(async (db) => {
      const restored: ({ id: string } & ops.Restored)[] = [];
      const placed = new Set<string>();
      for (const id of ids) {
        restored.push({ id, ...await ops.restoreItem(db, handle, id, { ...place, placed }) });
        placed.add(id);
      }
      return restored;
    });
    this.#publish("created");
    return items;
  }

  /**
   * Deletes nodes of the trash for good.
   *
   * @param ids Null for all.
   * @throws {AloeError} `not_found`.
   */
  async purge(ids: readonly string[] | null): Promise<void> {
    const { handle } = this.mount;
    if (ids === null) await ops.purgeTrash(this.fs.db, handle);
    else {
      await this.#batchOrDivided(async (db) => {
        for (const id of ids) await ops.purgeTrash(db, handle, { id });
      });
    }
    this.#publish("deleted");
  }

  /** Frees room by one transaction; where the disk has no room for it, each operation divides itself. */
  async #batchOrDivided(run: (db: ops.Database) => Promise<void>): Promise<void> {
    const { db } = this.fs;
    await internal.wholeOrInPieces(db, () => db.batch(run, { frees: true }), () => run(db));
  }

  #publish(type: string): void {
    this.#feed.publish({ type, fs_id: this.volume.fsId, volume_id: this.volume.id });
  }
}

/** A path in one form: with a slash in front and none at the end. */
function normalPath(path: string): string {
  return joinPath(splitPath(path));
}

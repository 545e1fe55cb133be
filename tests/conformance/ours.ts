/**
 * Runs scenarios on this library.
 *
 * @module
 */

import {
  AloeError,
  type AloeLite,
  type Mount,
  type NodeType,
  type ReadDescriptor,
  type WriteDescriptor,
} from "../../mod.ts";
import { NotSupported, type Scenario, type Step, type Subject, type Value } from "./runner.ts";

/** An open descriptor of a scenario. */
type Descriptor = ReadDescriptor | WriteDescriptor;

/** Thrown by a batch that has to fail. */
class Rollback extends Error {}

/** A volume of this library with one or two mounts. */
export class OurSubject implements Subject {
  readonly #file: AloeLite;
  readonly #volume: string;
  readonly #pin: string | undefined;
  readonly #mounts: Record<string, Mount>;
  readonly #open: Descriptor[] = [];
  readonly #more: Mount[] = [];

  private constructor(
    file: AloeLite,
    volume: string,
    pin: string | undefined,
    mounts: Record<string, Mount>,
  ) {
    this.#file = file;
    this.#volume = volume;
    this.#pin = pin;
    this.#mounts = mounts;
  }

  /** Creates a volume for a scenario in an open file. */
  static async make(file: AloeLite, scenario: Scenario): Promise<OurSubject> {
    const encryption = scenario.setup?.encryption;
    const pin = encryption === undefined ? undefined : "1234";
    const { id } = await file.createVolume({
      name: scenario.scenario,
      chunkSize: scenario.setup?.chunk_size,
      pin,
      encryption,
    });
    const mounts: Record<string, Mount> = {
      first: await file.mount(id, { pin }),
    };
    if (scenario.harness === "two_mounts_one_volume") {
      mounts.second = await file.mount(id, { pin });
    }
    return new OurSubject(file, id, pin, mounts);
  }

  codeOf(error: unknown): string | null {
    return error instanceof AloeError ? error.code : null;
  }

  async perform(
    via: "first" | "second",
    op: string,
    args: Record<string, Value>,
    run: (steps: Step[], through?: unknown) => Promise<void>,
    through: unknown,
  ): Promise<Value> {
    const mount = (through as Mount | undefined) ?? this.#mounts[via];
    const path = args.path as string;
    const node = args.node as string;
    const from = args.from as string;
    const to = args.to as string;
    const name = args.name as string;
    const data = args.data as Uint8Array<ArrayBuffer>;
    switch (op) {
      case "create_container":
        return await mount.createContainer(path);
      case "create_entry":
        return await mount.createEntry(path, data);
      case "create_special":
        return await mount.createSpecial(
          path,
          args.type as Exclude<NodeType, "container" | "entry">,
          data,
        );
      case "mkdir":
        return await mount.mkdir(path, {
          parents: args.parents as boolean,
          existOk: args.exist_ok as boolean,
        });
      case "symlink":
        return await mount.symlink(path, args.target as string);
      case "read_link":
        return await mount.readLink(path);
      case "link":
        return await mount.link(from, to);
      case "stat":
        return await mount.stat(path);
      case "stat_by_id":
        return await mount.statById(node);
      case "exists":
        return await mount.exists(path);
      case "list":
        return await mount.list(path);
      case "list_by_id":
        return await mount.listById(node);
      case "path_of":
        return await mount.pathOf(node);
      case "read_all":
        return await mount.readAll(path, { version: args.version as number });
      case "read_all_by_id":
        return await mount.readAllById(node);
      case "read_range":
        return await mount.readRange(
          path,
          args.offset as number,
          args.length as number,
        );
      case "write_all":
        return await mount.writeAll(path, data);
      case "append":
        return await mount.append(path, data);
      case "write_range":
        return await mount.writeRange(path, args.offset as number, data);
      case "truncate":
        return await mount.truncate(path, args.size as number);
      case "put":
        return await mount.put(path, data, { append: args.append as boolean });
      case "set_metadata":
        return await mount.setMetadata(
          path,
          args.metadata as Record<string, string>,
        );
      case "set_mtime":
        return await mount.setMtime(path, BigInt(args.time as number));
      case "set_atime":
        return await mount.setAtime(path, BigInt(args.time as number));
      case "set_mode":
        return await mount.setMode(path, args.mode as number);
      case "set_owner":
        return await mount.setOwner(path, {
          uid: args.uid as number,
          gid: args.gid as number,
        });
      case "set_retention":
        return await mount.setRetention(path, args.keep as number | null);
      case "get_xattr":
        return await mount.getXattr(path, name);
      case "set_xattr":
        return await mount.setXattr(path, name, data);
      case "list_xattrs":
        return await mount.listXattrs(path);
      case "remove_xattr":
        return await mount.removeXattr(path, name);
      case "rename":
        return await mount.rename(path, name);
      case "rename_by_id":
        return await mount.renameById(node, name);
      case "move":
        return await mount.move(from, to);
      case "move_by_id":
        return await mount.moveById(node, to);
      case "copy":
        return await mount.copy(from, to);
      case "copy_by_id":
        return await mount.copyById(node, to);
      case "remove":
        return await mount.remove(path);
      case "remove_by_id":
        return await mount.removeById(node);
      case "remove_recursive":
        return await mount.removeRecursive(path);
      case "remove_recursive_by_id":
        return await mount.removeRecursiveById(node);
      case "pack":
        return await mount.pack(path);
      case "unpack":
        return await mount.unpack(path);
      case "history":
        return await mount.history(path);
      case "restore_version":
        return await mount.restoreVersion(path, args.version as number);
      case "trash":
        return await mount.trash();
      case "restore":
        return await mount.restore(
          args.id as string,
          to === undefined ? undefined : { to },
        );
      case "purge":
        return await mount.purge(
          args.id === undefined ? undefined : { id: args.id as string },
        );
      case "open_read":
        return this.#keep(await mount.openRead(path));
      case "open_write":
        return this.#keep(
          await mount.openWrite(path, args.mode as "truncate" | "append"),
        );
      case "read":
        return await (args.fd as ReadDescriptor).read(args.length as number);
      case "seek":
        return await (args.fd as ReadDescriptor).seek(
          args.offset as number,
          args.whence as "set" | "cur" | "end",
        );
      case "tell":
        return (args.fd as Descriptor).tell();
      case "write":
        return await (args.fd as WriteDescriptor).write(data);
      case "close":
        return await (args.fd as Descriptor).close();
      case "abort":
        return await (args.fd as WriteDescriptor).abort();
      case "lock":
        return (await mount.lock(path, args.ttl as number)).id;
      case "unlock":
        return await mount.unlock(args.lock as string);
      case "unmount":
        return await mount.unmount();
      case "verify":
        return (await mount.verify({ deep: true })).problems;
      case "health":
        return await this.#file.health();
      case "prune_content":
        return await this.#file.pruneContent({ volume: this.#volume });
      case "prune":
        return await this.#file.prune({ volume: this.#volume });
      case "batch":
        try {
          await mount.batch(async (tx) => {
            await run(args.steps as Step[], tx);
            if (args.fail) throw new Rollback();
          });
        } catch (error) {
          if (!(error instanceof Rollback)) throw error;
        }
        return null;
      case "mount": {
        const made = await this.#file.mount(this.#volume, {
          at: args.at as string,
          access: args.access as "rw" | "ro",
          exclusive: args.exclusive as boolean,
          pin: this.#pin,
        });
        this.#more.push(made);
        return made;
      }
      case "through":
        await run(args.steps as Step[], args.mount);
        return null;
      default:
        throw new NotSupported(op);
    }
  }

  #keep<D extends Descriptor>(descriptor: D): D {
    this.#open.push(descriptor);
    return descriptor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const descriptor of this.#open) {
      try {
        await ("abort" in descriptor ? descriptor.abort() : descriptor.close());
      } catch {
        // The scenario may have closed the descriptor or its mount.
      }
    }
    for (const mount of [...this.#more, ...Object.values(this.#mounts)]) {
      await mount.unmount().catch(() => {});
    }
  }
}

/**
 * The two implementations behind one interface, each with one volume of one
 * file open and mounted.
 *
 * @module
 */

import { AloeError, AloeLite, type Mount } from "../../mod.ts";
import { applyOurs, assertSoundOurs, hex, type Op, type Row, snapshotOurs, utf8 } from "./ops.ts";
import type { Live } from "./random_ops.ts";
import { OracleError, type Reference } from "./reference.ts";

/** What an operation did: its value, or the code of its error. */
export type Outcome = { value: unknown } | { error: string };

/** A mounted volume of an open file. */
export interface Side extends AsyncDisposable {
  /** Applies an operation. */
  apply(op: Op): Promise<Outcome>;
  /** All that the API shows. */
  snapshot(): Promise<Row[]>;
  /** Fails when this side finds fault with the file. */
  assertSound(): Promise<void>;
}

/** Which volume to open, and how. */
export interface Target {
  /** The file. */
  path: string;
  /** The volume's id. */
  volume: string;
  /** Its PIN, where it is encrypted. */
  pin?: string;
}

/** This library. */
export class Ours implements Side {
  /** The open file. */
  readonly file: AloeLite;
  /** The mounted volume. */
  readonly mount: Mount;

  private constructor(file: AloeLite, mount: Mount) {
    this.file = file;
    this.mount = mount;
  }

  /** Opens and mounts. */
  static async open(target: Target): Promise<Ours> {
    const file = await AloeLite.open(target.path);
    try {
      return new Ours(
        file,
        await file.mount(target.volume, { pin: target.pin }),
      );
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async apply(op: Op): Promise<Outcome> {
    try {
      return { value: await applyOurs(this.file, this.mount, op) };
    } catch (error) {
      if (error instanceof AloeError) return { error: error.code };
      throw error;
    }
  }

  snapshot(): Promise<Row[]> {
    return snapshotOurs(this.mount);
  }

  assertSound(): Promise<void> {
    return assertSoundOurs(this.file, this.mount);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mount.unmount();
    await this.file.close();
  }
}

/** Operations whose value is an id, which no two files share, or differs by design. */
const SILENT: ReadonlySet<Op["op"]> = new Set(
  [
    "createEntry",
    "createContainer",
    "mkdir",
    "copy",
    "pack",
    "createSpecial",
    "removeXattr",
  ],
);

/** The reference. */
export class Theirs implements Side {
  /** The driver process. */
  readonly reference: Reference;
  /** The driver's number of the file. */
  readonly file: number;
  /** The driver's number of the mount. */
  readonly mount: number;

  private constructor(reference: Reference, file: number, mount: number) {
    this.reference = reference;
    this.file = file;
    this.mount = mount;
  }

  /** Opens and mounts. */
  static async open(reference: Reference, target: Target): Promise<Theirs> {
    const file = await reference.call<number>("open", { path: target.path });
    try {
      const mount = await reference.call<number>("mount", {
        file,
        volume: target.volume,
        pin: target.pin === undefined ? null : hex(utf8(target.pin)),
      });
      return new Theirs(reference, file, mount);
    } catch (error) {
      await reference.call("close", { file });
      throw error;
    }
  }

  async apply(op: Op): Promise<Outcome> {
    const { file, mount } = this;
    try {
      const value = await this.reference.call("apply", { file, mount, op });
      return { value: SILENT.has(op.op) ? null : value };
    } catch (error) {
      if (error instanceof OracleError && !error.code.startsWith("python:")) {
        return { error: error.code };
      }
      throw error;
    }
  }

  /** Visible paths, the root first. */
  paths(): Promise<Live[]> {
    return this.reference.call("paths", { mount: this.mount });
  }

  snapshot(): Promise<Row[]> {
    return this.reference.call("snapshot", { mount: this.mount });
  }

  async assertSound(): Promise<void> {
    const anomalies = await this.reference.call<unknown[]>("health", {
      file: this.file,
    });
    if (anomalies.length > 0) {
      throw new Error(
        `the reference's health_check: ${JSON.stringify(anomalies)}`,
      );
    }
    const { problems } = await this.reference.call<{ problems: string[] }>(
      "verify",
      {
        mount: this.mount,
      },
    );
    if (problems.length > 0) {
      throw new Error(`the reference's verify: ${JSON.stringify(problems)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reference.call("unmount", { mount: this.mount });
    await this.reference.call("close", { file: this.file });
  }
}

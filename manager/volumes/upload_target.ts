import { AloeError } from "../../src/errors.ts";
import type { PutFileOptions, UploadInfo } from "../../src/internal.ts";
import type { OnConflict } from "../../src/ops.ts";
import { fromRfc3339, toRfc3339 } from "./times.ts";

/** Where an upload goes when it is finished. */
export interface UploadTarget {
  path: string;
  /** What is done where the name is taken. */
  onConflict: OnConflict;
  /** Whether missing directories are made. */
  parents: boolean;
  /** ns */
  modifiedAt?: bigint;
}

/** A target as the upload's record has it. */
export function encodeTarget(target: UploadTarget): string {
  const { path, onConflict, parents, modifiedAt } = target;
  const modified_at = modifiedAt === undefined ? undefined : toRfc3339(modifiedAt);
  return JSON.stringify({ path, on_conflict: onConflict, parents, modified_at });
}

/**
 * The target of an upload.
 *
 * @throws {AloeError} `not_found` for an upload that a client cannot resume.
 */
export function targetOf({ id, note }: UploadInfo): UploadTarget {
  if (note === "") throw new AloeError("not_found", `${id}: no such upload`);
  // An older release records `overwrite` in place of `on_conflict`.
  const { path, overwrite = true, on_conflict, parents, modified_at } = JSON.parse(note);
  const onConflict = on_conflict ?? (overwrite ? "replace" : "fail");
  const modifiedAt = modified_at === undefined ? null : fromRfc3339(modified_at);
  return { path, onConflict, parents, ...(modifiedAt === null ? {} : { modifiedAt }) };
}

/** How the file of a target is written. */
export function writeOptionsOf({ onConflict, parents, modifiedAt }: UploadTarget): PutFileOptions {
  return { parents, onConflict, ...(modifiedAt === undefined ? {} : { modifiedAt }) };
}

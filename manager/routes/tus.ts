import { newPath } from "../volumes/new_names.ts";
import { onConflictOf } from "./on_conflict.ts";
import { Problem } from "../http/problem.ts";
import type { Checksum } from "../volumes/staged_piece.ts";
import { fromRfc3339 } from "../volumes/times.ts";
import type { UploadTarget } from "../volumes/upload_target.ts";

/** The version of the protocol, which each request has to name. */
export const TUS_VERSION = "1.0.0";

/** The supported extensions of the protocol. */
export const TUS_EXTENSIONS =
  "creation,creation-with-upload,creation-defer-length,expiration,termination,checksum";

/** The supported checksums of pieces. */
export const TUS_CHECKSUMS = ["sha1", "sha256", "sha512", "md5"];

/** @throws {Problem} 412 for another version of the protocol. */
export function requireVersion(headers: Headers): void {
  if (headers.get("tus-resumable") === TUS_VERSION) return;
  throw new Problem(412, "precondition_failed", `Tus-Resumable: ${TUS_VERSION} is supported`, {
    headers: { "tus-version": TUS_VERSION },
  });
}

/** Parses a number of bytes in a header; null without one. @throws {Problem} 400. */
export function byteCount(headers: Headers, name: string): number | null {
  const text = headers.get(name);
  if (text === null) return null;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) {
    throw new Problem(400, "invalid", `${name}: a whole number of bytes`);
  }
  return value;
}

/** The target that Upload-Metadata names. @throws {Problem} 400. */
export function targetOfMetadata(header: string | null): UploadTarget {
  const values = new Map<string, string>();
  for (const pair of (header ?? "").split(",")) {
    const [key, value = "", ...more] = pair.trim().split(/ +/);
    if (key === "") continue;
    if (more.length > 0) throw new Problem(400, "invalid", "Upload-Metadata: a key, then base64");
    values.set(key, decoded(key, value));
  }
  const path = values.get("path");
  if (path === undefined) throw new Problem(400, "invalid", "Upload-Metadata: path is required");
  const target: UploadTarget = {
    path: newPath(path),
    onConflict: onConflictOf(
      values.get("on_conflict") ?? (isOn(values.get("overwrite"), true) ? "replace" : "fail"),
    ),
    parents: isOn(values.get("parents"), false),
  };
  if (target.path === "/") throw new Problem(400, "nameless", "Upload-Metadata: path: has no name");
  const modified = values.get("modified_at");
  if (modified !== undefined) {
    const at = fromRfc3339(modified);
    if (at === null) throw new Problem(400, "invalid", "modified_at: a time as RFC 3339 has it");
    target.modifiedAt = at;
  }
  return target;
}

function decoded(key: string, base64: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.fromBase64(base64));
  } catch {
    throw new Problem(400, "invalid", `Upload-Metadata: ${key}: is not UTF-8 in base64`);
  }
}

function isOn(value: string | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  return value !== "0" && value !== "false";
}

/** Parses the checksum of a request; null without one. @throws {Problem} 400. */
export function checksumOf(headers: Headers): Checksum | null {
  const header = headers.get("upload-checksum");
  if (header === null) return null;
  const [algorithm, digest = ""] = header.trim().split(/ +/);
  if (!TUS_CHECKSUMS.includes(algorithm)) {
    throw new Problem(400, "unsupported", `Upload-Checksum: one of ${TUS_CHECKSUMS.join(", ")}`);
  }
  return { algorithm, digest };
}

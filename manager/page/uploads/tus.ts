import { withRetry } from "../api/connection.ts";
import { ApiError } from "../api/problem.ts";
import { abandon, TUS_HEADERS } from "./abandoned.ts";
import { send, type XhrAnswer } from "./xhr.ts";

/** A client of the tus protocol 1.0.0: it resumes an interrupted upload. */

/**
 * Bytes in one request: limits the loss of an interrupted request where partial
 * bodies are not kept.
 */
const PIECE_BYTES = 32 * 1024 * 1024;
const MAX_RETRIES = 8;

export interface TusUpload {
  endpoint: string;
  file: File;
  metadata: Record<string, string>;
  /** The storage key of an unfinished upload's address. */
  fingerprint: string;
  signal: AbortSignal;
  onProgress: (sent: number) => void;
  /** Called at each interruption, and when the upload continues. */
  onWaiting: (waiting: boolean) => void;
}

const key = (fingerprint: string) => `aloelite.upload.${fingerprint}`;

/**
 * Sends a file from the offset that the manager has. Waits through lost
 * connections.
 *
 * @returns Headers of the last answer.
 */
export function upload(options: TusUpload): Promise<XhrAnswer["header"]> {
  const waits = () => options.onWaiting(true);
  return withRetry(() => resume(options, waits), options.signal, waits);
}

async function resume(options: TusUpload, waits: () => void): Promise<XhrAnswer["header"]> {
  let tries = 0;
  let reached = 0;
  while (true) {
    try {
      const { url, offset } = await begin(options);
      const header = await sendFrom(options, url, offset, (sent) => {
        if (sent > reached) tries = 0;
        reached = Math.max(reached, sent);
        options.onWaiting(false);
        options.onProgress(sent);
      });
      localStorage.removeItem(key(options.fingerprint));
      return header;
    } catch (error) {
      if (!isContended(error) || ++tries > MAX_RETRIES) throw error;
      waits();
      await pause(Math.min(500 * 2 ** tries, 15_000), options.signal);
    }
  }
}

/**
 * Whether another request has the upload locked, or too many requests run; both
 * end.
 */
function isContended(error: unknown): boolean {
  return error instanceof ApiError && error.code !== "already_exists" &&
    [409, 423, 429].includes(error.status);
}

/** Returns the address of an unfinished upload, as stored in this browser. */
export function addressOf(fingerprint: string): string | null {
  return localStorage.getItem(key(fingerprint));
}

/** Resumes an upload that another visit, or another browser, began. */
export function adopt(fingerprint: string, url: string): void {
  localStorage.setItem(key(fingerprint), url);
}

/** Deletes an unwanted upload from the manager. */
export function abortUpload(fingerprint: string): void {
  const url = addressOf(fingerprint);
  localStorage.removeItem(key(fingerprint));
  if (url !== null) void abandon(url);
}

async function begin(options: TusUpload): Promise<{ url: string; offset: number }> {
  const known = localStorage.getItem(key(options.fingerprint));
  if (known) {
    const offset = await offsetOf(known, options);
    if (offset !== null) return { url: known, offset };
  }
  const answer = await send({
    method: "POST",
    url: options.endpoint,
    body: null,
    headers: {
      ...TUS_HEADERS,
      "upload-length": String(options.file.size),
      "upload-metadata": encodeMetadata(options.metadata),
    },
    // Do not abort this request: the created upload would have no known address
    // to delete.
    signal: new AbortController().signal,
  });
  const location = answer.header("location");
  if (!location) throw new ApiError(answer.status, "unknown", "The upload got no address", "");
  const url = new URL(location, document.baseURI).pathname;
  localStorage.setItem(key(options.fingerprint), url);
  options.signal.throwIfAborted();
  return { url, offset: 0 };
}

/**
 * Returns the offset that the manager has; null if it does not know the upload.
 */
async function offsetOf(url: string, options: TusUpload): Promise<number | null> {
  try {
    const { header } = await send({
      method: "HEAD",
      url,
      body: null,
      headers: TUS_HEADERS,
      signal: options.signal,
    });
    return Number(header("upload-offset"));
  } catch (error) {
    if (error instanceof ApiError && [403, 404, 410].includes(error.status)) return null;
    throw error;
  }
}

async function sendFrom(
  options: TusUpload,
  url: string,
  from: number,
  onProgress: (sent: number) => void,
): Promise<XhrAnswer["header"]> {
  let told: XhrAnswer["header"] = () => null;
  let offset = from;
  onProgress(offset);
  while (offset < options.file.size) {
    const base = offset;
    const { header } = await send({
      method: "PATCH",
      url,
      body: options.file.slice(base, base + PIECE_BYTES),
      headers: {
        ...TUS_HEADERS,
        "content-type": "application/offset+octet-stream",
        "upload-offset": String(base),
      },
      signal: options.signal,
      onProgress: (sent) => onProgress(base + sent),
    });
    told = header;
    offset = Number(header("upload-offset"));
    if (!(offset > base)) throw new ApiError(0, "unreachable", "The upload does not advance", "");
    onProgress(offset);
  }
  return told;
}

function encodeMetadata(metadata: Record<string, string>): string {
  return Object.entries(metadata).map(([name, value]) => {
    const binary = String.fromCharCode(...new TextEncoder().encode(value));
    return `${name} ${btoa(binary)}`;
  }).join(",");
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    }, { once: true });
  });
}

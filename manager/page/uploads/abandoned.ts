import { withRetry } from "../api/connection.ts";
import { ApiError } from "../api/problem.ts";
import { request } from "../api/request.ts";

/**
 * Addresses of uploads to delete. The browser stores them until the manager has
 * deleted them, across visits too.
 */

const KEY = "aloelite.abandoned";
/**
 * How long an aborted request may lock an upload, and the polling interval, ms.
 */
const PATIENCE = 120_000;
const PAUSE = 700;

export const TUS_HEADERS = { "tus-resumable": "1.0.0" };

const listeners = new Set<() => void>();
let going: ReadonlySet<string> = new Set(read());

function read(): string[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]") as string[];
  } catch {
    return [];
  }
}

function keep(urls: Iterable<string>): void {
  going = new Set(urls);
  if (going.size === 0) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, JSON.stringify([...going]));
  for (const listener of listeners) listener();
}

/** Uploads that are not deleted yet. */
export function abandonedUploads(): ReadonlySet<string> {
  return going;
}

export function whenAbandonedChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Deletes an upload. */
export async function abandon(url: string): Promise<void> {
  keep(new Set(read()).add(url));
  try {
    await withRetry(() => remove(url), new AbortController().signal);
    keep(read().filter((one) => one !== url));
  } catch (error) {
    // A missing upload counts as deleted; after other errors it stays for the
    // next visit.
    const gone = error instanceof ApiError && [403, 404, 410].includes(error.status);
    keep(gone ? read().filter((one) => one !== url) : read());
  }
}

async function remove(url: string): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (true) {
    try {
      await request("DELETE", url, { headers: TUS_HEADERS });
      return;
    } catch (error) {
      // The aborted request has ended in the browser, but not in the manager
      // yet.
      const held = error instanceof ApiError && [409, 423].includes(error.status);
      if (!held || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

/** Continues the deletions of an earlier visit. */
export function abandonRest(): void {
  for (const url of read()) void abandon(url);
}

import { useSyncExternalStore } from "react";
import { lasting } from "../api/connection.ts";
import { fileUrl, makeDirectory } from "../api/files.ts";
import { importUrl } from "../api/filesystems.ts";
import { isCancelled } from "../api/problem.ts";
import { withQuery } from "../api/request.ts";
import { explain } from "../lib/explain.ts";
import { baseName, join } from "../lib/paths.ts";
import type { Incoming } from "./dropped.ts";
import { addressOf, adopt, giveUp, upload } from "./tus.ts";
import { send } from "./xhr.ts";

export type TransferState = "waiting" | "running" | "stalled" | "paused" | "done" | "failed";

export interface Transfer {
  id: number;
  /** Where it goes; null for the import of a filesystem. */
  volume: string | null;
  path: string;
  file: File;
  sent: number;
  state: TransferState;
  error: string | null;
}

/** Larger files go in resumable uploads. */
const WHOLE = 4 * 1024 * 1024;
const AT_ONCE = 3;

let transfers: readonly Transfer[] = [];
let nextId = 1;
const aborts = new Map<number, AbortController>();
const listeners = new Set<() => void>();
let announced = false;

/** Listeners hear of many changes at once: progress comes faster than anyone can look. */
function changed(): void {
  if (announced) return;
  announced = true;
  setTimeout(() => {
    announced = false;
    for (const listener of listeners) listener();
  }, 80);
}

function update(id: number, change: Partial<Transfer>): void {
  transfers = transfers.map((one) => one.id === id ? { ...one, ...change } : one);
  changed();
}

export function useTransfers(): readonly Transfer[] {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => transfers);
}

/** Uploads into a folder. */
export function enqueue(volume: string, folder: string, incoming: readonly Incoming[]): void {
  add(incoming.map(({ file, relative }) => ({ volume, path: join(folder, relative), file })));
}

export async function enqueueFolders(
  volume: string,
  folder: string,
  folders: readonly string[],
): Promise<void> {
  for (const one of folders) await makeDirectory(volume, join(folder, one), true);
}

export function enqueueImport(file: File, name: string): void {
  add([{ volume: null, path: name, file }]);
}

function add(wishes: readonly Pick<Transfer, "volume" | "path" | "file">[]): void {
  const fresh = wishes.map((wish): Transfer => ({
    ...wish,
    id: nextId++,
    sent: 0,
    state: "waiting",
    error: null,
  }));
  transfers = [...transfers, ...fresh];
  changed();
  startNext();
}

function startNext(): void {
  for (const transfer of transfers) {
    if (aborts.size >= AT_ONCE) return;
    if (transfer.state === "waiting" && !aborts.has(transfer.id)) run(transfer);
  }
}

async function run(transfer: Transfer): Promise<void> {
  const { id, file } = transfer;
  const abort = new AbortController();
  aborts.set(id, abort);
  update(id, { state: "running", error: null });
  try {
    await carry(transfer, abort.signal);
    update(id, { state: "done", sent: file.size });
  } catch (error) {
    // Who cancels or pauses says so in the state; it is left as it is.
    if (!isCancelled(error)) update(id, { state: "failed", error: explain(error) });
    else if (!transfers.some((one) => one.id === id)) forget(transfer);
  } finally {
    aborts.delete(id);
    startNext();
  }
}

function carry(transfer: Transfer, signal: AbortSignal): Promise<unknown> {
  const { id, volume, path, file } = transfer;
  const onProgress = (sent: number) => update(id, { sent: Math.min(sent, file.size) });
  const modified = new Date(file.lastModified).toISOString();
  const headers = { "content-type": "application/octet-stream" };
  if (volume === null) {
    return send({ method: "POST", url: importUrl(path), body: file, headers, signal, onProgress });
  }
  if (file.size <= WHOLE) {
    const url = withQuery(fileUrl(volume, path), { parents: true, modified_at: modified });
    const put = () => {
      update(id, { state: "running" });
      return send({ method: "PUT", url, body: file, headers, signal, onProgress });
    };
    return lasting(put, signal, () => update(id, { state: "stalled" }));
  }
  return upload({
    endpoint: `/volumes/${encodeURIComponent(volume)}/uploads`,
    file,
    metadata: { filename: baseName(path), path, parents: "1", modified_at: modified },
    fingerprint: fingerprint(transfer),
    signal,
    onProgress,
    onWaiting: (waiting) => update(id, { state: waiting ? "stalled" : "running" }),
  });
}

/** The same file for the same place has the same: another visit goes on with it. */
function fingerprint({ volume, path, file }: Pick<Transfer, "volume" | "path" | "file">): string {
  return [volume, path, file.size, file.lastModified].join("|");
}

export function isResumable(transfer: Transfer): boolean {
  return transfer.volume !== null && transfer.file.size > WHOLE;
}

export function pauseTransfer(id: number): void {
  update(id, { state: "paused" });
  aborts.get(id)?.abort();
}

/** Goes on with a paused one, or tries a failed one again. */
export function resumeTransfer(id: number): void {
  update(id, { state: "waiting", error: null });
  startNext();
}

export function cancelTransfer(id: number): void {
  const transfer = transfers.find((one) => one.id === id);
  const abort = aborts.get(id);
  transfers = transfers.filter((one) => one.id !== id);
  // One that runs is forgotten when it has ended.
  if (abort !== undefined) abort.abort();
  else if (transfer) forget(transfer);
  changed();
}

function forget(transfer: Transfer): void {
  if (isResumable(transfer)) giveUp(fingerprint(transfer));
}

/** The addresses of uploads that are in the queue. */
export function queuedUploads(): ReadonlySet<string> {
  const urls = transfers.filter(({ state }) => state !== "done")
    .map((one) => isResumable(one) ? addressOf(fingerprint(one)) : null);
  return new Set(urls.filter((url) => url !== null));
}

/** Goes on with an upload of an earlier visit, from the same file. */
export function goOnWith(volume: string, path: string, url: string, file: File): void {
  const wish = { volume, path, file };
  adopt(fingerprint(wish), url);
  add([wish]);
}

export function clearFinished(): void {
  transfers = transfers.filter((one) => one.state !== "done");
  changed();
}

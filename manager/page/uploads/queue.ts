import { useSyncExternalStore } from "react";
import { withRetry } from "../api/connection.ts";
import { fileUrl, makeDirectory, node } from "../api/files.ts";
import { importUrl } from "../api/filesystems.ts";
import { ApiError, isCancelled } from "../api/problem.ts";
import { withQuery } from "../api/request.ts";
import { explain } from "../lib/explain.ts";
import { baseName, join } from "../lib/paths.ts";
import { type Answer, askConflict } from "../state/conflicts.ts";
import type { Incoming } from "./dropped.ts";
import { abortUpload, addressOf, adopt, upload } from "./tus.ts";
import { send } from "./xhr.ts";

export type TransferState =
  | "waiting"
  | "running"
  | "stalled"
  | "asking"
  | "paused"
  | "done"
  | "failed";

/** Files that were chosen together: one answer may apply to all of them. */
interface Batch {
  choice: Answer["choice"] | null;
  /** Resolved when all questions so far are answered. */
  asking: Promise<unknown>;
}

export interface Transfer {
  id: number;
  /** The destination; null for the import of a filesystem. */
  volume: string | null;
  path: string;
  file: File;
  sent: number;
  state: TransferState;
  error: string | null;
  /** What to do if the name is taken; null until it is asked. */
  choice: Answer["choice"] | null;
  /** The result, if it is unexpected. */
  note: string;
  batch: Batch;
}

/** Files above this size use resumable uploads, bytes. */
const MAX_SINGLE_REQUEST_BYTES = 4 * 1024 * 1024;
const MAX_CONCURRENT = 3;

let transfers: readonly Transfer[] = [];
let nextId = 1;
const aborts = new Map<number, AbortController>();
const listeners = new Set<() => void>();
let announced = false;

/**
 * Notifies listeners once for many changes, because progress events come faster
 * than they can be shown.
 */
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

/** Begins uploads into a folder. */
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

function add(files: readonly Pick<Transfer, "volume" | "path" | "file">[]): void {
  const batch: Batch = { choice: null, asking: Promise.resolve() };
  const fresh = files.map((added): Transfer => ({
    ...added,
    id: nextId++,
    sent: 0,
    state: "waiting",
    error: null,
    choice: null,
    note: "",
    batch,
  }));
  transfers = [...transfers, ...fresh];
  changed();
  startNext();
}

function startNext(): void {
  for (const transfer of transfers) {
    if (aborts.size >= MAX_CONCURRENT) return;
    if (transfer.state === "waiting" && !aborts.has(transfer.id)) run(transfer);
  }
}

async function run(transfer: Transfer): Promise<void> {
  const { id, file } = transfer;
  const abort = new AbortController();
  aborts.set(id, abort);
  update(id, { state: "running", error: null });
  try {
    const outcome = await transferContent(transfer, abort.signal);
    update(id, { state: "done", sent: file.size, note: noteOf(outcome) });
  } catch (error) {
    if (transfer.volume !== null && isTaken(error)) {
      if (isResumable(transfer)) abortUpload(fingerprint(transfer));
      return void ask(transfer);
    }
    // A cancelled or paused upload has that state already; keep it.
    if (!isCancelled(error)) update(id, { state: "failed", error: explain(error) });
    else if (!transfers.some((one) => one.id === id)) forget(transfer);
  } finally {
    aborts.delete(id);
    startNext();
  }
}

/**
 * Returns whether another item has the name of an upload that must not replace
 * it.
 */
function isTaken(error: unknown): boolean {
  return error instanceof ApiError && error.code === "already_exists";
}

/** Returns whether a file has arrived, by comparing its attributes. */
async function isThere(volume: string, path: string, file: File): Promise<boolean> {
  const { type, size, modified_at } = await node(volume, path);
  return type === "file" && size === file.size && Date.parse(modified_at) === file.lastModified;
}

/** Asks what to do with a taken name, unless an answer applies to all. */
async function ask(transfer: Transfer): Promise<void> {
  const { id, path, batch } = transfer;
  update(id, { state: "asking", sent: 0 });
  const answered = batch.asking.then(async () => {
    if (batch.choice !== null) return batch.choice;
    const left = transfers.some((one) => one.id === id);
    if (!left) return null;
    const { choice, forAll } = await askConflict({
      name: baseName(path),
      verb: "uploaded",
      asVersion: true,
      // Waiting uploads may meet taken names too.
      more: transfers.filter((one) =>
        one.batch === batch && one.id !== id && one.choice === null && one.state !== "done"
      ).length,
    });
    if (forAll) batch.choice = choice;
    return choice;
  });
  batch.asking = answered;
  const choice = await answered;
  if (choice === null) return;
  if (choice === "skip") {
    update(id, {
      state: "done",
      sent: transfer.file.size,
      choice,
      note: "skipped: the name exists",
    });
  } else update(id, { state: "waiting", choice });
  startNext();
}

/** The result of an upload. */
interface Outcome {
  outcome: string;
  path: string;
  replaced: number | null;
}

function noteOf(outcome: Outcome | null): string {
  if (outcome === null) return "";
  const { path, replaced } = outcome;
  if (outcome.outcome === "skipped") return "skipped: the name exists";
  if (outcome.outcome === "renamed") return `renamed to “${baseName(path)}”`;
  return outcome.outcome === "replaced" && replaced !== null
    ? `replaced version ${replaced}, which is kept`
    : "";
}

/** @returns The result; null if it is not reported. */
async function transferContent(transfer: Transfer, signal: AbortSignal): Promise<Outcome | null> {
  const { id, volume, path, file } = transfer;
  const onConflict = transfer.choice ?? transfer.batch.choice ?? "fail";
  const onProgress = (sent: number) => update(id, { sent: Math.min(sent, file.size) });
  const modified = new Date(file.lastModified).toISOString();
  const headers = { "content-type": "application/octet-stream" };
  if (volume === null) {
    await send({ method: "POST", url: importUrl(path), body: file, headers, signal, onProgress });
    return null;
  }
  if (file.size <= MAX_SINGLE_REQUEST_BYTES) {
    const url = withQuery(fileUrl(volume, path), {
      parents: true,
      modified_at: modified,
      on_conflict: onConflict,
    });
    const put = () => {
      update(id, { state: "running" });
      return send({ method: "PUT", url, body: file, headers, signal, onProgress });
    };
    let broke = false;
    try {
      const { text } = await withRetry(put, signal, () => {
        broke = true;
        update(id, { state: "stalled" });
      });
      return JSON.parse(text) as Outcome;
    } catch (error) {
      // The item with that name may be this file, whose answer was lost.
      if (!broke || !isTaken(error) || !await isThere(volume, path, file)) throw error;
      return null;
    }
  }
  const header = await upload({
    endpoint: `/volumes/${encodeURIComponent(volume)}/uploads`,
    file,
    metadata: {
      filename: baseName(path),
      path,
      parents: "1",
      modified_at: modified,
      on_conflict: onConflict,
    },
    fingerprint: fingerprint(transfer),
    signal,
    onProgress,
    onWaiting: (waiting) => update(id, { state: waiting ? "stalled" : "running" }),
  });
  const outcome = header("aloelite-outcome");
  if (outcome === null) return null;
  const replaced = header("aloelite-replaced");
  return {
    outcome,
    path: decodeURI(header("aloelite-path") ?? path),
    replaced: replaced === null ? null : Number(replaced),
  };
}

/**
 * Identifies a file and its destination, so that a later visit resumes the
 * upload.
 */
function fingerprint({ volume, path, file }: Pick<Transfer, "volume" | "path" | "file">): string {
  return [volume, path, file.size, file.lastModified].join("|");
}

export function isResumable(transfer: Transfer): boolean {
  return transfer.volume !== null && transfer.file.size > MAX_SINGLE_REQUEST_BYTES;
}

export function pauseTransfer(id: number): void {
  update(id, { state: "paused" });
  aborts.get(id)?.abort();
}

/** Resumes a paused upload, or retries a failed one. */
export function resumeTransfer(id: number): void {
  update(id, { state: "waiting", error: null });
  startNext();
}

export function cancelTransfer(id: number): void {
  const transfer = transfers.find((one) => one.id === id);
  const abort = aborts.get(id);
  transfers = transfers.filter((one) => one.id !== id);
  // A running upload is removed when it has ended.
  if (abort !== undefined) abort.abort();
  else if (transfer) forget(transfer);
  changed();
}

function forget(transfer: Transfer): void {
  if (isResumable(transfer)) abortUpload(fingerprint(transfer));
}

/** The addresses of uploads that are in the queue. */
export function queuedUploads(): ReadonlySet<string> {
  const urls = transfers.filter(({ state }) => state !== "done")
    .map((one) => isResumable(one) ? addressOf(fingerprint(one)) : null);
  return new Set(urls.filter((url) => url !== null));
}

/** Resumes an upload of an earlier visit from the same file. */
export function resumeFromFile(volume: string, path: string, url: string, file: File): void {
  const added = { volume, path, file };
  adopt(fingerprint(added), url);
  add([added]);
}

export function clearFinished(): void {
  transfers = transfers.filter((one) => one.state !== "done");
  changed();
}

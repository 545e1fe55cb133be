import { createStore, del, delMany, entries, get, keys, set } from "idb-keyval";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { draftKey } from "../api/volumes.ts";
import type { TextForm } from "../lib/text_form.ts";
import { otherTabs, thisTab } from "./tabs.ts";

/**
 * Stores unsaved text in the browser, so that it survives a crash of the tab.
 * The draft of an encrypted volume is sealed under a key that the manager gives
 * only to sessions that have unlocked the volume.
 */

/**
 * The text that a draft belongs to: a file at the version where the changes
 * began.
 */
export interface DraftSource {
  volume: string;
  encrypted: boolean;
  node: string;
  path: string;
  /** The content that the draft is based on. */
  etag: string;
}

export interface Draft {
  etag: string;
  text: string;
  form: TextForm;
  /** When the draft was stored, ms. */
  at: number;
}

interface Stored extends Omit<Draft, "text"> {
  text: string | Uint8Array<ArrayBuffer>;
}

/** The key of a draft: volume, node, path, ETag, tab. */
type Key = [volume: string, node: string, path: string, etag: string, tab: string];

/** Age at which unclaimed drafts are deleted, ms. */
const MAX_AGE_MS = 30 * 24 * 60 * 60 * 1000;
const WRITE_DELAY_MS = 300;
const NONCE = 24;

const store = createStore("aloelite", "drafts");

/** Without storage in the browser there are no drafts. */
async function ignoringErrors<T>(task: () => Promise<T>): Promise<T | undefined> {
  try {
    return await task();
  } catch {
    return undefined;
  }
}

/** Deletes all drafts at sign-out, so that none stays on the machine. */
export async function deleteDrafts(): Promise<void> {
  await ignoringErrors(async () => await delMany(await keys(store), store));
}

async function deleteOldDrafts(): Promise<void> {
  const old = (await entries<Key, Stored>(store)).filter(([, { at }]) =>
    Date.now() - at > MAX_AGE_MS
  );
  await delMany(old.map(([key]) => key), store);
}
void ignoringErrors(deleteOldDrafts);

/** The draft of one open text. */
export class DraftKeeper {
  readonly #of: DraftSource;
  #key: Uint8Array | null = null;
  #pending: { text: string; form: TextForm; etag: string } | null = null;
  #timer: number | undefined;
  /** The stored keys, including that of the tab before this one. */
  #stored: Key[] = [];
  #work: Promise<unknown> = Promise.resolve();
  readonly #leaving = () => document.hidden && this.#flush();

  constructor(of: Omit<DraftSource, "etag">) {
    this.#of = { ...of, etag: "" };
    document.addEventListener("visibilitychange", this.#leaving);
    addEventListener("pagehide", this.#leaving);
    // Fetch the key before the manager can become unreachable.
    void ignoringErrors(() => this.#secret());
  }

  /**
   * Returns the newest draft that no other tab has open; null if there is none.
   */
  async find(): Promise<Draft | null> {
    return await ignoringErrors(async () => {
      const { volume, node, path } = this.#of;
      const all = (await keys<Key>(store)).filter((key) =>
        key[0] === volume && (key[1] === node || key[2] === path)
      );
      if (all.length === 0) return null;
      const others = await otherTabs();
      const mine = await thisTab;
      let newest: Draft | null = null;
      for (const key of all) {
        if (key[4] !== mine && others.has(key[4])) continue;
        const stored = await get<Stored>(key, store);
        const text = stored === undefined ? null : await this.#open(stored.text, key);
        if (text === null || (newest !== null && newest.at > stored!.at)) continue;
        newest = { ...stored!, text };
        this.#stored = [key];
      }
      return newest;
    }) ?? null;
  }

  /** Stores a text after a short delay. */
  keep(text: string, form: TextForm, etag: string): void {
    this.#pending = { text, form, etag };
    this.#timer ??= setTimeout(() => this.#flush(), WRITE_DELAY_MS);
  }

  /** Deletes the draft: the text was saved or discarded. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending = null;
    this.#after(async () => {
      const gone = this.#stored;
      this.#stored = [];
      for (const key of gone) await del(key, store);
    });
  }

  /** Ends and keeps the stored draft. */
  close(): void {
    this.#flush();
    document.removeEventListener("visibilitychange", this.#leaving);
    removeEventListener("pagehide", this.#leaving);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const draft = this.#pending;
    this.#pending = null;
    if (draft === null) return;
    this.#after(async () => {
      const { volume, node, path } = this.#of;
      const key: Key = [volume, node, path, draft.etag, await thisTab];
      const text = await this.#seal(draft.text, key);
      await set(key, { ...draft, text, at: Date.now() } satisfies Stored, store);
      const before = this.#stored.filter((one) => String(one) !== String(key));
      this.#stored = [key];
      for (const one of before) await del(one, store);
    });
  }

  /**
   * Runs storage operations in order, so that a deleted draft does not
   * reappear.
   */
  #after(task: () => Promise<unknown>): void {
    this.#work = this.#work.then(() => ignoringErrors(task));
  }

  async #secret(): Promise<Uint8Array | null> {
    if (!this.#of.encrypted) return null;
    return this.#key ??= await draftKey(this.#of.volume);
  }

  async #seal(text: string, of: Key): Promise<Stored["text"]> {
    const secret = await this.#secret();
    if (secret === null) return text;
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
    const cipher = xchacha20poly1305(secret, nonce, associatedData(of));
    const sealed = cipher.encrypt(new TextEncoder().encode(text));
    const all = new Uint8Array(NONCE + sealed.length);
    all.set(nonce);
    all.set(sealed, NONCE);
    return all;
  }

  /**
   * Returns null if the draft cannot be opened: it belongs to another key, or
   * is damaged.
   */
  async #open(stored: Stored["text"], of: Key): Promise<string | null> {
    const secret = await this.#secret();
    if (typeof stored === "string") return secret === null ? stored : null;
    if (secret === null) return null;
    try {
      const cipher = xchacha20poly1305(secret, stored.subarray(0, NONCE), associatedData(of));
      return new TextDecoder().decode(cipher.decrypt(stored.subarray(NONCE)));
    } catch {
      return null;
    }
  }
}

/** Associated data that binds a sealed draft to its file and version. */
function associatedData([volume, node, _path, etag]: Key): Uint8Array {
  return new TextEncoder().encode(`${volume} ${node} ${etag}`);
}

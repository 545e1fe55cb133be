import type { AloeLite } from "../mod.ts";
import * as ops from "../src/ops.ts";

/** Characters that the listings of one file may take together, and of one listing. */
const MOST = 4 * 1024 * 1024;
const LARGEST = MOST / 4;

/**
 * Listings as they were sent, as long as nobody changes their file: people and
 * programs ask for the same ones again and again. Only for connections that
 * write nothing themselves, whose change counter sees every commit.
 */
export class ListingCache {
  readonly #files = new WeakMap<AloeLite, Listings>();

  /** What a listing is; made anew when the file has been changed. */
  async get(fs: AloeLite, key: string, make: () => Promise<string>): Promise<string> {
    // Before it is made: a change meanwhile makes it old at once.
    const counter = await ops.changeCounter(fs.db);
    let listings = this.#files.get(fs);
    if (listings?.counter !== counter) {
      listings = { counter, bodies: new Map(), size: 0 };
      this.#files.set(fs, listings);
    }
    const known = listings.bodies.get(key);
    if (known !== undefined) return known;
    const body = await make();
    if (body.length <= LARGEST && !listings.bodies.has(key)) {
      listings.bodies.set(key, body);
      listings.size += body.length + key.length;
      for (const [oldest, text] of listings.bodies) {
        if (listings.size <= MOST) break;
        listings.bodies.delete(oldest);
        listings.size -= text.length + oldest.length;
      }
    }
    return body;
  }
}

interface Listings {
  counter: number;
  bodies: Map<string, string>;
  size: number;
}

/** The tabs of this page: each has an id, which it keeps when it is loaded anew. */

const KEY = "aloelite.tab";
/** How long others may take to say that they are there, ms. */
const PATIENCE = 200;

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("aloelite.tabs") : null;
const asking = new Set<(tab: string) => void>();
let own = sessionStorage.getItem(KEY) ?? freshId();

const leaving = new Set<() => void>();

channel?.addEventListener("message", ({ data }) => {
  if (data === "who") channel.postMessage({ here: own });
  else if (data === "left") { for (const hear of leaving) hear(); }
  else for (const hear of asking) hear(data.here);
});

function freshId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
}

/** Which tabs there are besides this one. One that has crashed says nothing. */
export async function otherTabs(): Promise<ReadonlySet<string>> {
  const heard = new Set<string>();
  if (channel === null) return heard;
  const hear = (tab: string) => heard.add(tab);
  asking.add(hear);
  channel.postMessage("who");
  await new Promise((resolve) => setTimeout(resolve, PATIENCE));
  asking.delete(hear);
  return heard;
}

/** This tab. A copy of another one begins with that one's id, and takes its own. */
export const thisTab: Promise<string> = (async () => {
  if ((await otherTabs()).has(own)) own = freshId();
  sessionStorage.setItem(KEY, own);
  return own;
})();

/** Tells the other tabs that somebody has signed out. */
export function tellOfLeaving(): void {
  channel?.postMessage("left");
}

/** Listens for that. */
export function whenLeft(hear: () => void): () => void {
  leaving.add(hear);
  return () => leaving.delete(hear);
}

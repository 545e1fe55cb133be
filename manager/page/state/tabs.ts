/** The tabs of this page. Each has an id, which survives a reload. */

const KEY = "aloelite.tab";
/** Time for other tabs to answer, ms. */
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

/** Returns the ids of the other tabs. A crashed tab does not answer. */
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

/**
 * The id of this tab. A duplicated tab starts with the original's id and takes
 * a new one.
 */
export const thisTab: Promise<string> = (async () => {
  if ((await otherTabs()).has(own)) own = freshId();
  sessionStorage.setItem(KEY, own);
  return own;
})();

/** Tells the other tabs about a sign-out. */
export function broadcastSignOut(): void {
  channel?.postMessage("left");
}

/** Listens for a sign-out in another tab. */
export function onSignOut(hear: () => void): () => void {
  leaving.add(hear);
  return () => leaving.delete(hear);
}

import { useSyncExternalStore } from "react";
import { hasUnsaved, leave } from "./unsaved.ts";

export type View = "files" | "trash" | "mount" | "space";
export type Panel = "versions" | "details";
export type SortKey = "name" | "size" | "modified_at" | "type";

/**
 * The current place, stored in the address, so that back, forward and reload
 * work.
 */
export interface Route {
  page: "home" | "health" | "volume";
  volume: string;
  view: View;
  path: string;
  /** The full path of the file that is open in the viewer. */
  open: string | null;
  panel: Panel | null;
  query: string;
  sort: SortKey;
  descending: boolean;
}

const HOME: Route = {
  page: "home",
  volume: "",
  view: "files",
  path: "/",
  open: null,
  panel: null,
  query: "",
  sort: "name",
  descending: false,
};

const VIEWS: readonly string[] = ["files", "trash", "mount", "space"];
const SORTS: readonly string[] = ["name", "size", "modified_at", "type"];

export function parse(search: string): Route {
  const query = new URLSearchParams(search);
  const volume = query.get("volume") ?? "";
  const view = query.get("view") ?? "files";
  const [sort, order] = (query.get("sort") ?? "name").split(".");
  const panel = query.get("panel");
  return {
    page: volume ? "volume" : query.get("page") === "health" ? "health" : "home",
    volume,
    view: (VIEWS.includes(view) ? view : "files") as View,
    path: query.get("path") || "/",
    open: query.get("open"),
    panel: panel === "versions" || panel === "details" ? panel : null,
    query: query.get("q") ?? "",
    sort: (SORTS.includes(sort) ? sort : "name") as SortKey,
    descending: order === "desc",
  };
}

export function format(route: Route): string {
  const query = new URLSearchParams();
  if (route.page === "health") query.set("page", "health");
  if (route.page === "volume") {
    query.set("volume", route.volume);
    if (route.view !== "files") query.set("view", route.view);
    if (route.path !== "/") query.set("path", route.path);
    if (route.query) query.set("q", route.query);
    if (route.sort !== "name" || route.descending) {
      query.set("sort", route.sort + (route.descending ? ".desc" : ""));
    }
    if (route.open) query.set("open", route.open);
    if (route.panel) query.set("panel", route.panel);
  }
  // A query needs no escape for a slash, and reads better without one.
  const text = query.toString().replaceAll("%2F", "/");
  return text ? `/?${text}` : "/";
}

const listeners = new Set<() => void>();
let current = parse(location.search);

/**
 * The index of this entry in the browser's history: gives the distance of back
 * and forward steps.
 */
let entry: number = history.state?.entry ?? 0;
history.replaceState({ entry }, "");
/**
 * Whether the page itself causes the next history step: back to unsaved text,
 * or onward from it.
 */
let returning = false;
let leaving = false;

addEventListener("popstate", () => {
  const next = parse(location.search);
  const to: number = history.state?.entry ?? entry;
  if (returning) {
    returning = false;
  } else if (!leaving && to !== entry && hasUnsaved() && leaves(next)) {
    // The browser has left already: return to the entry, and leave again when
    // allowed.
    const steps = to - entry;
    returning = true;
    history.go(-steps);
    leave(() => {
      leaving = true;
      history.go(steps);
    });
  } else {
    leaving = false;
    entry = to;
    show(next);
  }
});

function show(route: Route): void {
  current = route;
  for (const listener of listeners) listener();
}

/** Returns whether a navigation closes the open file. */
function leaves(next: Route): boolean {
  return current.open !== null &&
    (next.page !== current.page || next.volume !== current.volume || next.open !== current.open);
}

/**
 * Completes a route. Missing fields are reset for another volume and kept for
 * the same one.
 */
function placeFrom(to: Partial<Route>): Route {
  const stays = to.page === undefined || to.volume === current.volume;
  return { ...(stays ? current : HOME), ...to };
}

/** Returns the address of a place, relative to the current one. */
export function hrefOf(to: Partial<Route>): string {
  return format(placeFrom(to));
}

/** Navigates to a place. */
export function navigate(to: Partial<Route>, { replace = false } = {}): void {
  const next = placeFrom(to);
  const url = format(next);
  if (url === format(current)) return;
  const go = () => {
    if (!replace) entry++;
    history[replace ? "replaceState" : "pushState"]({ entry }, "", url);
    show(parse(url.slice(1)));
  };
  if (leaves(next)) leave(go);
  else go();
}

/** Navigates to an address of this page. */
export function navigateTo(href: string): void {
  navigate(parse(href.slice(href.indexOf("?") + 1 || href.length)));
}

/** The list of all volumes. */
export const HOME_PLACE: Partial<Route> = { page: "home", volume: "" };

/** The top folder of a volume. */
export function volumePlace(volume: string, to: Partial<Route> = {}): Partial<Route> {
  return { ...HOME, page: "volume", volume, ...to };
}

export function openVolume(volume: string, to: Partial<Route> = {}): void {
  navigate(volumePlace(volume, to));
}

/** A folder of the same volume. */
export function folderPlace(path: string): Partial<Route> {
  return { view: "files", path, open: null, panel: null, query: "" };
}

export function openFolder(path: string): void {
  navigate(folderPlace(path));
}

export function currentRoute(): Route {
  return current;
}

export function useRoute(): Route {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentRoute);
}

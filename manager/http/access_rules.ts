/**
 * Who may use a route:
 *
 * - `anyone`: no token is asked for;
 * - `client`: who has the manager's token, where it asks for one;
 * - `operator`: the same. These routes concern whole files, mounts or the host, so
 *   that a role with fewer rights would not have them;
 * - `reader`, `writer`: a client that has proved the volume's PIN, where it has
 *   one. The volume is opened for reading, which leaves no trace in its file, or
 *   for writing.
 */
export type Permission = "anyone" | "client" | "operator" | "reader" | "writer";

/** Who may use a route, and what using it does. */
export interface AccessRule {
  readonly method: string;
  /** The route's pattern: `:name` stands for one segment, a final `*` for any number. */
  readonly route: string;
  readonly who: Permission;
  /** Whether it changes state: a browser's cookie alone is no proof for it then. */
  readonly changesState: boolean;
}

/** Methods that change nothing; a rule for one of them cannot say otherwise. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Every route of the manager. HEAD goes by the rule of GET; what is not here is refused. */
export const ACCESS_RULES: readonly AccessRule[] = [
  reads("GET", "/", "anyone"),
  reads("GET", "/assets/*", "anyone"),
  reads("GET", "/health", "anyone"),
  changes("POST", "/login", "anyone"),
  changes("DELETE", "/login", "anyone"),

  reads("GET", "/docs", "client"),
  reads("GET", "/docs/start.js", "client"),
  reads("GET", "/docs/assets/*", "client"),
  reads("GET", "/openapi.json", "client"),
  reads("GET", "/metrics", "client"),
  // Paths in encrypted volumes are told to sessions that have unlocked them.
  reads("GET", "/events", "client"),

  reads("GET", "/filesystems", "client"),
  changes("POST", "/filesystems", "operator"),
  reads("GET", "/filesystems/:id", "client"),
  changes("PATCH", "/filesystems/:id", "operator"),
  changes("DELETE", "/filesystems/:id", "operator"),
  reads("GET", "/filesystems/:id/export", "operator"),
  reads("GET", "/filesystems/:id/health", "operator"),
  reads("GET", "/filesystems/:id/space", "operator"),
  changes("POST", "/filesystems/:id/prune", "operator"),

  reads("GET", "/volumes", "client"),
  changes("POST", "/volumes", "operator"),
  reads("GET", "/volumes/:id", "client"),
  changes("PATCH", "/volumes/:id", "operator"),
  changes("DELETE", "/volumes/:id", "operator"),
  // Of an encrypted volume it has what is encrypted.
  reads("GET", "/volumes/:id/export", "operator"),
  reads("GET", "/volumes/:id/stat", "client"),
  changes("POST", "/volumes/:id/checkpoint", "operator"),
  // These ask for the PIN themselves.
  changes("POST", "/volumes/:id/unlock", "client"),
  changes("DELETE", "/volumes/:id/unlock", "client"),
  changes("POST", "/volumes/:id/pin", "client"),
  changes("POST", "/volumes/:id/mount", "operator"),

  reads("GET", "/volumes/:id/mount", "client"),
  changes("DELETE", "/volumes/:id/mount", "operator"),
  reads("GET", "/volumes/:id/mounts", "operator"),
  changes("DELETE", "/volumes/:id/mounts/:mount", "operator"),

  reads("GET", "/volumes/:id/health", "reader"),
  reads("GET", "/volumes/:id/draft-key", "reader"),
  reads("GET", "/volumes/:id/usage", "reader"),
  reads("GET", "/volumes/:id/search", "reader"),
  reads("GET", "/volumes/:id/archive", "reader"),

  reads("GET", "/volumes/:id/files", "reader"),
  changes("PUT", "/volumes/:id/files", "writer"),
  changes("POST", "/volumes/:id/files", "writer"),
  changes("DELETE", "/volumes/:id/files", "writer"),
  reads("GET", "/volumes/:id/files/*", "reader"),
  changes("PUT", "/volumes/:id/files/*", "writer"),
  changes("DELETE", "/volumes/:id/files/*", "writer"),

  reads("GET", "/volumes/:id/list", "reader"),
  reads("GET", "/volumes/:id/node", "reader"),
  changes("PATCH", "/volumes/:id/node", "writer"),
  changes("POST", "/volumes/:id/directories", "writer"),
  changes("POST", "/volumes/:id/transfer", "writer"),

  reads("GET", "/volumes/:id/history", "reader"),
  changes("POST", "/volumes/:id/history/restore", "writer"),
  reads("GET", "/volumes/:id/trash", "reader"),
  changes("POST", "/volumes/:id/trash/restore", "writer"),
  changes("DELETE", "/volumes/:id/trash", "writer"),

  reads("GET", "/volumes/:id/tasks", "reader"),
  changes("POST", "/volumes/:id/tasks", "writer"),
  reads("GET", "/volumes/:id/tasks/:task", "reader"),
  changes("DELETE", "/volumes/:id/tasks/:task", "writer"),

  reads("OPTIONS", "/volumes/:id/uploads", "client"),
  reads("GET", "/volumes/:id/uploads", "reader"),
  changes("POST", "/volumes/:id/uploads", "writer"),
  // It may finish an upload that is complete, which the last PATCH has asked for.
  reads("GET", "/volumes/:id/uploads/:upload", "reader"),
  changes("PATCH", "/volumes/:id/uploads/:upload", "writer"),
  changes("DELETE", "/volumes/:id/uploads/:upload", "writer"),
];

function reads(method: string, route: string, who: Permission): AccessRule {
  if (!SAFE.has(method)) throw new Error(`${method} ${route}: this method changes state`);
  return { method, route, who, changesState: false };
}

function changes(method: string, route: string, who: Permission): AccessRule {
  if (SAFE.has(method)) throw new Error(`${method} ${route}: this method changes nothing`);
  return { method, route, who, changesState: true };
}

const BY_ROUTE = new Map(ACCESS_RULES.map((rule) => [`${rule.method} ${rule.route}`, rule]));

/** The rule of a route, by its pattern; null where there is none: nobody may use it. */
export function ruleOfRoute(method: string, route: string): AccessRule | null {
  return BY_ROUTE.get(`${method === "HEAD" ? "GET" : method} ${route}`) ?? null;
}

/** What one segment of a path can lead to. */
interface Segment {
  readonly next: Map<string, Segment>;
  /** By method. */
  readonly rules: Map<string, AccessRule>;
}

const TREE = treeOf(ACCESS_RULES);

function treeOf(rules: readonly AccessRule[]): Segment {
  const newSegment = (): Segment => ({ next: new Map(), rules: new Map() });
  const root = newSegment();
  for (const rule of rules) {
    let segment = root;
    for (const part of rule.route.slice(1).split("/")) {
      const key = part.startsWith(":") ? ":" : part;
      if (!segment.next.has(key)) segment.next.set(key, newSegment());
      segment = segment.next.get(key)!;
    }
    segment.rules.set(rule.method, rule);
  }
  return root;
}

/** The rule that a path of a URL goes by; null where there is none. */
export function ruleOfPath(method: string, path: string): AccessRule | null {
  const wanted = method === "HEAD" ? "GET" : method;
  let segment: Segment | undefined = TREE;
  let rest: AccessRule | undefined;
  for (const part of path.slice(1).split("/")) {
    rest = segment.next.get("*")?.rules.get(wanted) ?? rest;
    segment = segment.next.get(part) ?? segment.next.get(":");
    if (segment === undefined) return rest ?? null;
  }
  return segment.rules.get(wanted) ?? rest ?? null;
}

/** Whether a request may change state: what is unknown is taken for a change. */
export function changesState(method: string, path: string): boolean {
  return !SAFE.has(method) && (ruleOfPath(method, path)?.changesState ?? true);
}

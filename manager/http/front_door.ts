import { ruleOfPath } from "./access_rules.ts";
import { type Auth, unauthorized } from "./auth.ts";
import type { ConnectionRequest } from "./connections.ts";
import { type HostCheck, isLoopback } from "./host_check.ts";
import type { Metrics } from "./metrics.ts";
import { Problem } from "./problem.ts";
import type { Limits, Settings } from "../settings.ts";
import { type SizedAnswer, sizedAnswer } from "./sized_answer.ts";
import { pathOf } from "./url_path.ts";
import { keepVisit, type Place, Visit } from "./visit.ts";

/** What a server says of a request's connection. */
export interface RequestInfo {
  /** The client's address. */
  readonly remoteAddr?: Deno.Addr;
  /** Settled when the response has been sent, or cannot be. */
  readonly completed?: Promise<void>;
}

/** What the manager's own listener says besides. */
export interface ConnectionInfo extends RequestInfo {
  /** What the connection tells of the request, where connections are watched. */
  readonly connection?: ConnectionRequest | null;
}

/** Answers requests that were admitted. */
export type Responder = (
  request: Request,
  visit: Visit,
  client: string,
) => Response | Promise<Response>;

/**
 * Looks an answer up in the cache.
 *
 * @returns Null, or a promise of null, when it is not there.
 */
export type CacheLookup = (
  request: Request,
  visit: Visit,
) => Response | Promise<Response | null> | null;

/** What the front door needs. */
export interface FrontDoorOptions {
  settings: Settings;
  hosts: HostCheck;
  auth: Auth;
  metrics: Metrics;
  /** Is asked first. A cached answer is no stream, so it takes no place. */
  lookup: CacheLookup;
  answer: Responder;
}

/** Places for `GET /health`. */
const HEALTH_PLACES = 16;

/**
 * How long a body or an answer may take while other requests wait for a place, ms.
 * After that a small body is ended, and a stream goes on without a place.
 */
const SLOW_MS = 1000;

/** How many bytes of responses may wait in memory for their clients. */
const MOST_WAITING = 64 * 1024 * 1024;

/**
 * Admits requests. It refuses those of other sites, of clients without the token,
 * and with too large a head, and those that exceed the limits of concurrency and
 * time.
 *
 * Each request takes a place, of which there is a fixed number. Clients without the
 * token get at most a quarter of them, so that they cannot lock out the others.
 * `GET /health` has places of its own. When requests wait, uploads and streams that
 * take long give up their places and go on without one, so that slow clients lock
 * nobody out. When too many go on in that way, the one that has been inactive for
 * longest is ended.
 */
export class FrontDoor {
  readonly #hosts: HostCheck;
  readonly #auth: Auth;
  readonly #metrics: Metrics;
  readonly #limits: Limits;
  /** Whether only clients of this machine are admitted, since nothing authenticates others. */
  readonly #onlyLocal: boolean;
  readonly #lookup: CacheLookup;
  readonly #answer: Responder;
  readonly #running = new Set<Running>();
  /** How many places of each kind are taken. */
  readonly #taken: Record<Place, number> = { usual: 0, open: 0, health: 0 };
  /** Requests that go on without a place; at most as many as there are places. */
  readonly #demoted = new Set<Running>();
  readonly #timer: ReturnType<typeof setInterval>;
  /** Bytes of responses that wait in memory. */
  #waiting = 0;
  #closed = false;
  #emptied: (() => void) | null = null;

  constructor({ settings, hosts, auth, metrics, lookup, answer }: FrontDoorOptions) {
    this.#hosts = hosts;
    this.#auth = auth;
    this.#metrics = metrics;
    this.#limits = settings.limits;
    this.#lookup = lookup;
    this.#answer = answer;
    this.#onlyLocal = !auth.demanded && settings.tls?.clientCa === undefined &&
      isLoopback(settings.host);
    const every = Math.max(20, Math.min(settings.limits.requestMs / 4, 1000));
    this.#timer = setInterval(() => this.#sweep(), every);
    Deno.unrefTimer(Number(this.#timer));
  }

  /** How many requests run, including those whose responses are being sent. */
  get running(): number {
    return this.#running.size;
  }

  /** Answers a request. */
  fetch(request: Request, info: ConnectionInfo | undefined): Promise<Response> {
    const since = performance.now();
    const peer = peerOf(info);
    const client = this.#hosts.client(request.headers, peer);
    const visit = new Visit();
    let refusal: Problem | null;
    try {
      refusal = this.#refusal(request, peer, client, visit);
    } catch (error) {
      if (!(error instanceof Problem)) return Promise.reject(error);
      refusal = error;
    }
    const { tracked = false, wary = false } = info?.connection ?? {};
    if (refusal !== null) {
      const response = wary ? refusal.bareResponse() : refusal.response();
      this.#count(request, visit, response, since);
      if (!tracked || wary) return Promise.resolve(response);
      visit.working = false;
      info?.connection?.follow(visit);
      return sizedAnswer(request, response, visit, true).then((sized) => sized.response);
    }
    const cached = this.#lookup(request, visit);
    if (cached instanceof Response && !tracked) {
      this.#count(request, visit, cached, since);
      return Promise.resolve(cached);
    }
    return new Promise<Response>((resolve, reject) => {
      keepVisit(request, visit);
      const running: Running = {
        visit,
        placed: true,
        until: isLongRunning(request) ? Infinity : since + this.#limits.requestMs,
        respond: resolve,
        responded: false,
        respondedAt: Infinity,
        bytes: 0,
      };
      this.#taken[visit.place]++;
      this.#running.add(running);
      visit.completed = info?.completed ?? null;
      info?.connection?.follow(visit);
      const done = () => this.#leave(running);
      const answered = ({ response, bytes }: SizedAnswer) => {
        this.#count(request, visit, response, since);
        if (running.responded) {
          void response.body?.cancel().catch(() => {});
          return done();
        }
        running.responded = true;
        visit.progressAt = performance.now();
        visit.working = false;
        running.respondedAt = visit.progressAt;
        running.bytes = bytes;
        this.#waiting += bytes;
        resolve(response);
        if (this.#waiting > MOST_WAITING) this.#dropWaiting();
        // A stream counts as running until its client has received it.
        if (info?.completed === undefined) done();
        else info.completed.then(done, done);
      };
      const failed = (error: unknown) => {
        done();
        reject(error);
      };
      try {
        const answer = cached === null
          ? this.#answer(request, visit, client)
          : cached instanceof Response
          ? cached
          : cached.then((known) => known ?? this.#answer(request, visit, client));
        const sized = (response: Response) => sizedAnswer(request, response, visit, tracked);
        const whole = answer instanceof Response ? sized(answer) : answer.then(sized);
        whole.then(answered, failed);
      } catch (error) {
        failed(error);
      }
    });
  }

  /**
   * Admits no more requests and waits for those that run.
   *
   * @returns Whether all of them have ended in that time.
   */
  async close(ms: number): Promise<boolean> {
    this.#closed = true;
    if (this.#running.size > 0 && ms > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([
        new Promise<void>((resolve) => this.#emptied = resolve),
        new Promise<void>((resolve) => timer = setTimeout(resolve, ms)),
      ]);
      clearTimeout(timer);
    }
    clearInterval(this.#timer);
    return this.#running.size === 0;
  }

  #refusal(request: Request, peer: string, client: string, visit: Visit): Problem | null {
    if (this.#closed) return unavailable("the manager is stopping", 5);
    const { headerBytes } = this.#limits;
    const { url, headers } = request;
    if (url.length > headerBytes) return new Problem(414, "too_large", "the URL is too long");
    let size = url.length;
    for (const [name, value] of headers) size += name.length + value.length + 4;
    if (size > headerBytes) return new Problem(431, "too_large", "the headers are too large");
    const refusal = this.#hosts.refusal(request, peer);
    if (refusal !== null) return refusal;
    if (this.#onlyLocal && (isForwarded(headers) || (client !== "local" && !isLoopback(client)))) {
      return new Problem(
        403,
        "forbidden",
        "without a token only clients of this machine are allowed",
      );
    }
    if (this.#auth.demanded && !this.#auth.allows(headers, client)) {
      visit.trusted = false;
      if (!isOpen(request.method, url)) return unauthorized();
    }
    visit.place = placeOf(request, visit);
    return this.#hasPlace(visit.place) ? null : unavailable("too many requests at once", 1);
  }

  /** Whether there is a place, if need be one that is taken from a slow request. */
  #hasPlace(place: Place): boolean {
    const { usual, open, health } = this.#taken;
    const { concurrent } = this.#limits;
    if (place === "health") return health < HEALTH_PLACES || this.#endUntaken("health");
    if (place === "open" && open >= Math.ceil(concurrent / 4)) return this.#makeRoom("open");
    return usual + open < concurrent || this.#makeRoom("open") ||
      (place === "usual" && this.#makeRoom("usual"));
  }

  /** Takes a place from a slow request. */
  #makeRoom(place: Place): boolean {
    return this.#abortSlowBody(place) || this.#demote(place);
  }

  /** Lets a slow stream, of a body or of a response, go on without its place. */
  #demote(place: Place): boolean {
    const before = performance.now() - SLOW_MS;
    const slow = leastActive(this.#running, ({ visit, until, placed, responded, respondedAt }) => {
      if (!placed || visit.place !== place) return false;
      const since = responded ? respondedAt : until === Infinity ? visit.waitingSince : null;
      return since !== null && since < before;
    });
    if (slow === null) return false;
    if (this.#demoted.size >= this.#limits.concurrent && !this.#endDemoted()) return false;
    this.#vacate(slow);
    this.#demoted.add(slow);
    return true;
  }

  /** Ends a response that its client does not receive, which frees its place. */
  #endUntaken(place: Place): boolean {
    const still = leastActive(
      this.#running,
      ({ visit, placed, responded }) => placed && responded && visit.place === place,
    );
    if (still === null) return false;
    this.#vacate(still);
    still.visit.cut?.();
    return true;
  }

  /** Ends a request that goes on without a place: the one that was inactive for longest. */
  #endDemoted(): boolean {
    const still = leastActive(
      this.#demoted,
      ({ visit, responded }) => !responded || visit.cut !== null,
    );
    if (still === null) return false;
    this.#demoted.delete(still);
    if (still.responded) still.visit.cut!();
    else this.#abort(still, "the body came too slowly while others waited");
    return true;
  }

  /** Ends responses that wait in memory for their clients, the least active first. */
  #dropWaiting(): void {
    const before = performance.now() - SLOW_MS;
    while (this.#waiting > MOST_WAITING) {
      const still = leastActive(
        this.#running,
        ({ visit, bytes }) => bytes > 0 && visit.cut !== null && visit.progressAt < before,
      );
      if (still === null) return;
      this.#waiting -= still.bytes;
      still.bytes = 0;
      still.visit.cut!();
    }
  }

  /** Ends a request whose small body does not arrive, which frees its place. */
  #abortSlowBody(place: Place): boolean {
    const before = performance.now() - SLOW_MS;
    for (const running of this.#running) {
      const { visit, until, placed, responded } = running;
      if (!placed || responded || until === Infinity || visit.place !== place) continue;
      if (visit.waitingSince === null || visit.waitingSince > before) continue;
      this.#abort(running, "the body did not come while others waited");
      return true;
    }
    return false;
  }

  /** Answers a running request with 503, frees its place, and aborts its work. */
  #abort(running: Running, why: string): void {
    running.responded = true;
    running.respond(unavailable(why, 10).response());
    this.#vacate(running);
    running.visit.end();
  }

  #vacate(running: Running): void {
    if (running.placed) this.#taken[running.visit.place]--;
    running.placed = false;
  }

  #leave(running: Running): void {
    this.#vacate(running);
    this.#waiting -= running.bytes;
    running.bytes = 0;
    this.#demoted.delete(running);
    this.#running.delete(running);
    if (this.#running.size === 0) this.#emptied?.();
  }

  #count({ method }: Request, visit: Visit, { status }: Response, since: number): void {
    const name = METHODS.has(method) ? method : "other";
    this.#metrics.note(name, visit.route, status, (performance.now() - since) / 1000);
  }

  /** Aborts the requests that exceed their time. */
  #sweep(): void {
    const now = performance.now();
    for (const running of this.#running) {
      if (!running.responded && running.until <= now) {
        this.#abort(running, "the request took too long");
      }
    }
  }
}

interface Running {
  readonly visit: Visit;
  /** Whether it has a place. */
  placed: boolean;
  /** When its response has to begin at the latest, by `performance.now`. */
  until: number;
  respond: (response: Response) => void;
  /** Whether its response has begun. */
  responded: boolean;
  /** When, by `performance.now`. */
  respondedAt: number;
  /** Bytes of its response that wait in memory. */
  bytes: number;
}

/** The request that has been inactive for longest, of those that fit; null for none. */
function leastActive(all: Iterable<Running>, fits: (running: Running) => boolean): Running | null {
  let found: Running | null = null;
  for (const running of all) {
    if (!fits(running)) continue;
    if (found === null || running.visit.progressAt < found.visit.progressAt) found = running;
  }
  return found;
}

const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

function unavailable(detail: string, seconds: number): Problem {
  return new Problem(503, "busy", detail, { headers: { "retry-after": `${seconds}` } });
}

/** Whether a proxy has forwarded this request for another client. */
function isForwarded(headers: Headers): boolean {
  return headers.has("forwarded") || headers.has("x-forwarded-for");
}

function peerOf(info: RequestInfo | undefined): string {
  const address = info?.remoteAddr;
  return address !== undefined && "hostname" in address ? address.hostname : "local";
}

function placeOf({ method, url }: Request, { trusted }: Visit): Place {
  const path = pathOf(url);
  if (path === "/health" && (method === "GET" || method === "HEAD")) return "health";
  return trusted && path !== "/login" ? "usual" : "open";
}

/** Whether the limit of time does not hold for a request. Streamed bodies have their own. */
function isLongRunning(request: Request): boolean {
  if (request.method === "GET" || request.method === "HEAD") return LONG_RUNNING.test(request.url);
  if (LONG_RUNNING.test(request.url)) return true;
  const type = request.headers.get("content-type");
  return request.method === "PUT" || (type !== null && !/^application\/json\b/i.test(type));
}

/** Routes that read or write a whole file before their response begins. */
const LONG_RUNNING = /\/(?:health|prune|export|checkpoint|transfer)(?:[?#]|$)/;

/** Whether a request needs no token. */
function isOpen(method: string, url: string): boolean {
  const path = pathOf(url);
  return ruleOfPath(method, path)?.who === "anyone" && !path.includes("..");
}

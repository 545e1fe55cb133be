import { networkOf, plainAddress } from "./addresses.ts";
import type { Sockets } from "./sockets.ts";
import type { Visit } from "./visit.ts";
import type { Limits } from "../settings.ts";

/** What bounds connections. */
export type ConnectionLimits = Pick<
  Limits,
  "connections" | "clientConnections" | "headMs" | "keepAliveMs" | "idleReadMs"
>;

/** What a connection tells of a request that it brings. */
export interface ConnectionRequest {
  /** Whether its response has to be tracked until the client has it, even a small one. */
  readonly tracked: boolean;
  /** Whether the client does not receive earlier ones: refusals have no body then. */
  readonly wary: boolean;
  /** Takes the visit of the request, whose progress the connection watches. */
  follow(visit: Visit): void;
}

/** A connection. */
interface Connection {
  readonly client: string;
  readonly key: string;
  /** When it was seen first, by `performance.now`. */
  readonly since: number;
  descriptor: number;
  /** The number of the scan that has seen it last. */
  seen: number;
  /** Whether it has brought a request. */
  asked: boolean;
  /** Requests that run on it. */
  running: number;
  /** The visits of those that were admitted. */
  visits: Set<Visit>;
  /** Tracked responses that its client has not received yet. */
  untaken: number;
  /** Whether its client has reset a tracked response. */
  reset: boolean;
  /** When the last of them ended. */
  idleSince: number;
  /** How much of the responses its client had received at the last scan, and since when. */
  taken: bigint;
  takenAt: number;
  /** Whether it was ended but still exists. */
  ended: boolean;
}

/**
 * One small response in this many is tracked until its client has received it. It is
 * chosen at random, so that a client cannot tell which to read. While one of them is
 * not received, all of its connection are tracked.
 */
const TRACKED = 16;

/** From this many tracked responses that are not received on, refusals have no body. */
const WARY = 8;

/** How often connections are scanned, ms; the second while there are many. */
const LOOKING = 250;
const LOOKING_CLOSELY = 20;

/**
 * The connections to a port. A connection is ended when it brings no request in
 * time, when it is idle for too long after one, and when its client receives nothing
 * of a response. Their number is limited, in all and for each client. Beyond the
 * limit, connections without a running request are ended: first those that never
 * brought one, those that were silent for longest first. So a client with a request
 * gets in, however many silent connections there are.
 */
export class Connections {
  readonly #sockets: Sockets;
  readonly #port: number;
  readonly #proxies: ReadonlySet<string>;
  readonly #limits: ConnectionLimits;
  readonly #all = new Map<string, Connection>();
  #looks = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** @param proxies Addresses of proxies, to which the limit of one client does not apply. */
  constructor(
    sockets: Sockets,
    port: number,
    limits: ConnectionLimits,
    proxies: readonly string[] = [],
  ) {
    this.#proxies = new Set(proxies.map(plainAddress));
    this.#sockets = sockets;
    this.#port = port;
    this.#limits = limits;
    this.#later();
  }

  /** Records a request. @param completed Settled when its response has been sent. */
  note(address: Deno.Addr, completed: Promise<unknown>): ConnectionRequest | null {
    if (!("hostname" in address)) return null;
    const client = plainAddress(address.hostname);
    const connection = this.#get(client, address.port);
    connection.asked = true;
    connection.running++;
    const wary = connection.untaken >= WARY;
    const tracked = connection.untaken > 0 || connection.reset || Math.random() < 1 / TRACKED;
    if (tracked) connection.untaken++;
    let visit: Visit | null = null;
    const done = () => {
      connection.running--;
      if (tracked) connection.untaken--;
      if (visit !== null) connection.visits.delete(visit);
      connection.idleSince = performance.now();
    };
    completed.then(done, () => {
      if (tracked) connection.reset = true;
      done();
    });
    const follow = (by: Visit) => {
      connection.visits.add(visit = by);
    };
    return { tracked, wary, follow };
  }

  /**
   * Scans the connections, and ends those that exceed their time or the limits.
   *
   * @param most How many may stay; by default the limit.
   */
  look(most = this.#limits.connections): void {
    const now = performance.now();
    const look = ++this.#looks;
    for (const { descriptor, address, port } of this.#sockets.of(this.#port)) {
      const connection = this.#get(address, port);
      connection.descriptor = descriptor;
      connection.seen = look;
    }
    const alive: Connection[] = [];
    for (const connection of this.#all.values()) {
      if (connection.seen !== look) this.#all.delete(connection.key);
      else if (connection.ended || this.#isOver(connection, now)) this.#end(connection);
      else alive.push(connection);
    }
    const clients = new Map<string, Connection[]>();
    for (const connection of alive) {
      if (this.#proxies.has(connection.client)) continue;
      const client = networkOf(connection.client);
      const own = clients.get(client);
      if (own === undefined) clients.set(client, [connection]);
      else own.push(connection);
    }
    for (const own of clients.values()) this.#shed(own, this.#limits.clientConnections);
    this.#shed(alive.filter(({ ended }) => !ended), most);
  }

  /** Stops scanning. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #later(): void {
    const { connections, headMs, keepAliveMs, idleReadMs } = this.#limits;
    const many = this.#all.size > connections / 4;
    const shortest = Math.min(headMs, keepAliveMs, idleReadMs) / 4;
    const ms = Math.max(10, Math.min(many ? LOOKING_CLOSELY : LOOKING, shortest));
    this.#timer = setTimeout(() => {
      this.look();
      if (!this.#closed) this.#later();
    }, ms);
    Deno.unrefTimer(Number(this.#timer));
  }

  #get(client: string, port: number): Connection {
    const key = `${client} ${port}`;
    const known = this.#all.get(key);
    // A client that uses the same port again has made another connection.
    if (known !== undefined && !known.ended) return known;
    if (known !== undefined && known.seen === this.#looks) return known;
    const now = performance.now();
    const connection: Connection = {
      ...{ client, key, since: now, descriptor: -1, seen: this.#looks, asked: false, running: 0 },
      ...{ visits: new Set<Visit>(), untaken: 0, reset: false },
      ...{ idleSince: now, taken: 0n, takenAt: now, ended: false },
    };
    this.#all.set(key, connection);
    return connection;
  }

  #isOver(connection: Connection, now: number): boolean {
    const { headMs, keepAliveMs, idleReadMs } = this.#limits;
    if (!connection.asked) return now - connection.since > headMs;
    if (connection.running === 0) return now - connection.idleSince > keepAliveMs;
    const taken = this.#sockets.taken(connection.descriptor);
    if (taken === null && now - stillSince(connection) > idleReadMs) return true;
    if (taken === null || taken !== connection.taken) {
      connection.taken = taken ?? 0n;
      connection.takenAt = now;
      return false;
    }
    return now - connection.takenAt > idleReadMs;
  }

  /** Ends connections beyond the limits on which no request runs. */
  #shed(connections: Connection[], most: number): void {
    const over = connections.length - most;
    if (over <= 0) return;
    const silent = connections.filter(({ asked }) => !asked);
    const idle = connections.filter(({ asked, running }) => asked && running === 0);
    idle.sort((a, b) => a.idleSince - b.idleSince);
    for (const connection of [...silent, ...idle].slice(0, over)) this.#end(connection);
  }

  #end(connection: Connection): void {
    connection.ended = true;
    this.#sockets.end(connection.descriptor);
  }
}

/**
 * Since when no response of a connection has made progress whose client has received
 * all that was sent: with HTTP/2 a client can forbid to send more. Infinity while the
 * manager itself works on one of them.
 */
function stillSince({ visits }: Connection): number {
  let since = visits.size === 0 ? Infinity : 0;
  for (const { working, progressAt } of visits) {
    since = Math.max(since, working ? Infinity : progressAt);
  }
  return since;
}

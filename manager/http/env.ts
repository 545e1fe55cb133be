import type { AccessRule } from "./access_rules.ts";
import type { Limits } from "../settings.ts";
import type { Visit } from "./visit.ts";

/** What the context of a request holds. */
export interface Env {
  Bindings: {
    /** The client's address. */
    client: string;
    /** The state of the request that the front door shares. */
    visit: Visit;
    limits: Limits;
  };
  Variables: {
    /** The client, by which wrong PINs are counted. */
    client: string;
    /** The session's id as the client sent it; null without one. */
    session: string | null;
    /** The access rule of the route; null when no route matches. */
    rule: AccessRule | null;
  };
}

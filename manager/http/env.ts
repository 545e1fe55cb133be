import type { AccessRule } from "./access_rules.ts";
import type { Limits } from "../settings.ts";
import type { Visit } from "./visit.ts";

/** What the manager notes on a request. */
export interface Env {
  Bindings: {
    /** The client's address. */
    client: string;
    /** What the front door knows of the request. */
    visit: Visit;
    limits: Limits;
  };
  Variables: {
    /** The client, as guesses of PINs are counted by. */
    client: string;
    /** The session's id as the client sent it; null without one. */
    session: string | null;
    /** What holds for the route that answers. */
    rule: AccessRule | null;
  };
}

import type { Context } from "hono";
import type { Env } from "./env.ts";

/** Wraps a handler: that its client has disconnected is no fault. */
export function ignoreDisconnect(
  handler: (c: Context<Env>) => Promise<Response>,
): (c: Context<Env>) => Promise<Response> {
  return async (c) => {
    try {
      return await handler(c);
    } catch (error) {
      if (error !== c.env.visit.signal.reason) throw error;
      return new Response(null, { status: 408 });
    }
  };
}

import type { Context } from "hono";
import type { Env } from "../http/env.ts";
import type { Access, VolumeAccess } from "../volumes/access.ts";

/** What a request is going to do. */
export interface AccessOptions {
  /** By default what the method says. */
  write?: boolean;
}

/**
 * Opens the volume that a request names, for its session.
 *
 * @throws {Problem} 401 `encryption_required` for a volume whose PIN it has not proved.
 * @throws {AloeError} `not_found`.
 */
export function access(
  { volumes }: { volumes: VolumeAccess },
  c: Context<Env>,
  volume: string,
  options: AccessOptions = {},
): Promise<Access> {
  const write = options.write ?? !(c.req.method === "GET" || c.req.method === "HEAD");
  return volumes.open(volume, { session: c.get("session"), write });
}

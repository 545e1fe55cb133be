import type { Context } from "hono";
import type { Env } from "../http/env.ts";
import type { OpenVolume, VolumeService } from "../volumes/volume_service.ts";

/**
 * Opens the volume that a request names, for its session, and for what the rule
 * of its route says.
 *
 * @throws {Problem} 401 `encryption_required` for a volume whose PIN it has not proved.
 * @throws {AloeError} `not_found`.
 */
export function access(
  { volumes }: { volumes: VolumeService },
  c: Context<Env>,
  volume: string,
): Promise<OpenVolume> {
  const rule = c.get("rule");
  if (rule?.who !== "reader" && rule?.who !== "writer") {
    throw new Error(`${rule?.route}: is no route of those who use a volume`);
  }
  return volumes.open(volume, { session: c.get("session"), write: rule.who === "writer" });
}

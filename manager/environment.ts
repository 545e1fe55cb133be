import type { ManagerOptions } from "./options.ts";

/**
 * The options of a manager that is started without a command line, from the
 * environment: ALOELITE_ROOT, ALOELITE_HOST, ALOELITE_TOKEN,
 * ALOELITE_ALLOWED_HOSTS and ALOELITE_TRUSTED_PROXIES (comma-separated lists),
 * ALOELITE_FUSE, ALOELITE_MOUNT_PIN_DIR and ALOELITE_MOUNT_PIN_ENV (a
 * comma-separated list of names).
 */
export function fromEnvironment(): ManagerOptions {
  const root = Deno.env.get("ALOELITE_ROOT");
  const host = Deno.env.get("ALOELITE_HOST");
  const token = Deno.env.get("ALOELITE_TOKEN");
  const allowed = Deno.env.get("ALOELITE_ALLOWED_HOSTS");
  const proxies = Deno.env.get("ALOELITE_TRUSTED_PROXIES");
  const pinDirectory = Deno.env.get("ALOELITE_MOUNT_PIN_DIR");
  const pinVariables = Deno.env.get("ALOELITE_MOUNT_PIN_ENV");
  // Processes that the manager starts must not inherit it.
  if (token !== undefined) Deno.env.delete("ALOELITE_TOKEN");
  return {
    ...(root ? { root } : {}),
    ...(host ? { host } : {}),
    ...(token ? { token } : {}),
    ...(allowed ? { allowedHosts: listOf(allowed) } : {}),
    ...(proxies ? { trustedProxies: listOf(proxies) } : {}),
    mountPins: {
      ...(pinDirectory ? { directory: pinDirectory } : {}),
      ...(pinVariables ? { variables: listOf(pinVariables) } : {}),
    },
    ...(Deno.env.get("ALOELITE_FUSE") === "1" ? { fuse: { enabled: true } } : {}),
  };
}

function listOf(text: string): string[] {
  return text.split(",").map((each) => each.trim()).filter(Boolean);
}

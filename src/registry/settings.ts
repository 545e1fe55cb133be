import { getSetting as getTemplate, putSetting as putTemplate } from "../../templates/registry.ts";
import type { Registry } from "./open.ts";

/** Returns a persistent setting; null when it was never set. */
export async function getSetting(registry: Registry, name: string): Promise<string | null> {
  return (await registry.db.query((tx) => tx.first(getTemplate, { name })))?.value ?? null;
}

/** Stores a setting. */
export async function putSetting(registry: Registry, name: string, value: string): Promise<void> {
  await registry.db.write((tx) => tx.run(putTemplate, { name, value }), { frees: true });
}

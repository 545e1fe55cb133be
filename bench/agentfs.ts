import { fileURLToPath } from "node:url";
import { compareWith } from "./filesystems.ts";
import type { Figure } from "./harness.ts";
import { cacheFolder, output, PeerProcess } from "./peer_process.ts";

const RELEASE = "0.6.4";

/**
 * agentfs-sdk. npm installs it, into the cache: its native database is one
 * package a platform, and Deno's own resolver wants all of them to exist,
 * where npm is content with this platform's.
 */
export const agentfs: Figure = {
  name: "agentfs",
  run: (bench) =>
    compareWith(bench, {
      name: `agentfs-sdk ${RELEASE}`,
      small: 1,
      large: 1,
      mib: 16,
      async start() {
        const folder = await install();
        if (typeof folder !== "string") return folder;
        return new PeerProcess(Deno.execPath(), [
          "run",
          "--allow-all",
          "--node-modules-dir=manual",
          "driver.mjs",
        ], { cwd: folder });
      },
    }),
};

/** The folder that has the package and our driver beside it. */
async function install(): Promise<string | { missing: string }> {
  const folder = `${cacheFolder()}/agentfs-${RELEASE}`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.copyFile(
    fileURLToPath(new URL("agentfs_driver.mjs", import.meta.url)),
    `${folder}/driver.mjs`,
  );
  const probe = ["run", "--allow-all", "--node-modules-dir=manual", "driver.mjs", "--probe"];
  if ((await output(Deno.execPath(), probe, { cwd: folder })).ok) return folder;
  await Deno.writeTextFile(
    `${folder}/package.json`,
    JSON.stringify({ private: true, dependencies: { "agentfs-sdk": RELEASE } }),
  );
  const installed = await output("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder });
  if (!installed.ok) return { missing: `npm could not install agentfs-sdk ${RELEASE}` };
  const { ok, text } = await output(Deno.execPath(), probe, { cwd: folder });
  const reason = text.split("\n").find((line) => line.includes("rror")) ?? text.trim();
  return ok ? folder : { missing: `it does not load: ${reason}` };
}

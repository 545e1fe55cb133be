import { openRegistry } from "../src/registry/mod.ts";
import { createApp } from "./app.ts";
import { createFeed } from "./feed.ts";
import { Filesystems } from "./filesystems.ts";
import { createJobs } from "./jobs.ts";
import { createMetrics } from "./metrics.ts";
import { createMounts } from "./mounts.ts";
import type { Services } from "./services.ts";
import { Sessions } from "./sessions.ts";
import { type ManagerOptions, settle } from "./options.ts";
import { UploadSweeper } from "./upload_sweeper.ts";

/** A running manager. */
export interface Manager {
  /** The folder with all that it keeps. */
  readonly root: string;
  /** Answers a request. `info` is what `Deno.serve` says of the connection. */
  fetch(request: Request, info?: { remoteAddr?: Deno.Addr }): Promise<Response>;
  /** Lets what is running finish, unmounts, and closes every file. */
  close(): Promise<void>;
}

/**
 * Starts a manager. It listens to nothing by itself: give its `fetch` to
 * `Deno.serve`.
 */
export async function createManager(options: ManagerOptions = {}): Promise<Manager> {
  const settings = await settle(options);
  const log = options.log ?? ((line: string) => console.error(line));
  await Deno.mkdir(settings.root, { recursive: true, mode: 0o700 });
  const registry = await openRegistry(`${settings.root}/manager.db`);
  const metrics = createMetrics();
  const filesystems = await Filesystems.open({
    root: settings.root,
    registry,
    idleMs: settings.limits.idleFilesystemMs,
    most: settings.limits.openFilesystems,
    log,
    count: (open) => metrics.openFilesystems.set(open),
  });
  const sessions = new Sessions({
    filesystems,
    lifeMs: settings.limits.sessionMs,
    guesses: settings.limits.pinGuesses,
    onWrongPin: () => metrics.wrongPins.inc(),
  });
  // The parts know each other, so each is given a way to all of them.
  const all = (): Services => services;
  const services: Services = {
    settings,
    registry,
    filesystems,
    sessions,
    metrics,
    log,
    mounts: createMounts(all),
    jobs: createJobs(all),
    feed: createFeed(all),
  };
  filesystems.beforeRemoval.add(async (volume) => {
    if (services.mounts.status(volume).frontend !== null) await services.mounts.unmount(volume);
    await sessions.lockForAll(volume);
  });
  const app = createApp(services);
  const sweeper = new UploadSweeper(services);
  await services.mounts.restore();
  return {
    root: settings.root,
    fetch: async (request, info) => {
      const address = info?.remoteAddr;
      const client = address !== undefined && "hostname" in address ? address.hostname : "local";
      return await app.fetch(request, { client });
    },
    close: async () => {
      services.feed.close();
      await sweeper.close();
      await services.mounts.close();
      await services.jobs.close();
      await sessions.close();
      await filesystems.close();
      await registry.close();
    },
  };
}

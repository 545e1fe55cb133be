import { AloeError } from "../src/errors.ts";
import { deriveOnThreads } from "../src/internal.ts";
import { openRegistry, type Registry } from "../src/registry/mod.ts";
import { AnswerCache } from "./http/answer_cache.ts";
import { createApp } from "./routes/app.ts";
import { Auth, ownToken } from "./http/auth.ts";
import { divideDescriptors } from "./http/descriptors.ts";
import { createFeed } from "./volumes/feed.ts";
import { Filesystems } from "./volumes/filesystems.ts";
import { FrontDoor, type RequestInfo } from "./http/front_door.ts";
import { HostCheck, isHostName, isLoopback } from "./http/host_check.ts";
import { jobsProgram } from "./jobs/job_process.ts";
import { createJobs } from "./jobs/jobs.ts";
import { createMetrics } from "./http/metrics.ts";
import { createMounts } from "./mounts/mounts.ts";
import type { Services } from "./routes/services.ts";
import { VolumeAccess } from "./volumes/access.ts";
import { UploadService } from "./volumes/upload_service.ts";
import { VolumeService } from "./volumes/volume_service.ts";
import { Sessions } from "./volumes/sessions.ts";
import { type ManagerOptions, resolveOptions } from "./options.ts";
import { PinSources } from "./mounts/pin_source.ts";
import { closeToOthers } from "./volumes/root_folder.ts";
import { lockRoot } from "./volumes/root_lock.ts";
import type { Settings } from "./settings.ts";
import { Sweeper } from "./jobs/sweeper.ts";
import { Tasks } from "./jobs/tasks.ts";

/** A running manager. */
export interface Manager {
  /** The folder with all of its files. */
  readonly root: string;
  /** The token that this start has generated, to be shown once; null for none. */
  readonly newToken: string | null;
  /** Answers a request. `info` is what `Deno.serve` passes on about the connection. */
  fetch(request: Request, info?: RequestInfo): Promise<Response>;
  /**
   * Admits no more requests and waits for those that run.
   *
   * @param ms How long at most, ms.
   * @returns Whether all of them have ended.
   */
  drain(ms: number): Promise<boolean>;
  /** Waits for running requests, unmounts, and closes every file. */
  close(): Promise<void>;
}

/**
 * Starts a manager. It does not listen by itself: pass its `fetch` to `Deno.serve`,
 * or call `serve` instead.
 *
 * @throws {AloeError} `invalid` for an allowed host that is neither a name nor an origin;
 * `lock_held` when another manager uses the folder.
 */
export async function createManager(options: ManagerOptions = {}): Promise<Manager> {
  const wrong = options.allowedHosts?.find((name) => !isHostName(name));
  if (wrong !== undefined) {
    throw new AloeError(
      "invalid",
      `an allowed host is a name, or an origin such as https://files.example:8443, not ${wrong}`,
    );
  }
  const requested = await resolveOptions(options);
  const log = options.log ?? ((line: string) => console.error(line));
  await closeToOthers(requested, log);
  const lock = await lockRoot(requested.root);
  try {
    return await start(requested, options, lock, log);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function start(
  requested: Settings,
  options: ManagerOptions,
  lock: Disposable,
  log: (line: string) => void,
): Promise<Manager> {
  const registry = await openRegistry(`${requested.root}/manager.db`);
  const { settings, made } = await withToken(requested, registry, options);
  const keys = deriveOnThreads();
  const metrics = createMetrics();
  const jobs = createJobs({ jobMs: settings.limits.jobMs, log, program: jobsProgram() });
  const filesystems = await Filesystems.open({
    root: settings.root,
    registry,
    idleMs: settings.limits.idleFilesystemMs,
    most: divideDescriptors(settings.limits).openFilesystems,
    log,
    inspect: (path) => jobs.pages(path),
    count: (open) => metrics.openFilesystems.set(open),
  });
  const sessions = new Sessions({
    filesystems,
    lifeMs: settings.limits.sessionMs,
    guesses: settings.limits.pinGuesses,
    onWrongPin: (volume, client) => {
      metrics.wrongPins.inc();
      log(`wrong PIN for volume ${volume} from ${client}`);
    },
  });
  const feed = createFeed({ filesystems, log });
  const pins = new PinSources(settings.mountPins, settings.limits.pinGuesses, log);
  const services: Services = {
    settings,
    filesystems,
    sessions,
    volumes: new VolumeService(new VolumeAccess(filesystems, sessions), feed),
    uploads: new UploadService({
      feed,
      maxBytes: settings.limits.uploadBytes,
      keepMs: settings.limits.uploadMs,
    }),
    pins,
    mounts: createMounts({
      settings,
      registry,
      filesystems,
      pins,
      feed,
      checkpoint: (path) => jobs.checkpoint(path),
      log,
    }),
    jobs,
    tasks: new Tasks({ feed, log }),
    feed,
    answers: new AnswerCache(),
    metrics,
    log,
  };
  filesystems.beforeRemoval.add(async (volume) => {
    await services.tasks.cancelAll(volume);
    if (services.mounts.status(volume).frontend !== null) await services.mounts.unmount(volume);
    await sessions.lockForAll(volume);
    services.answers.invalidate(volume);
  });
  const auth = new Auth(
    settings.tokenHash,
    settings.limits.pinGuesses,
    (client) => log(`wrong token from ${client}`),
  );
  const app = createApp(services, auth);
  const sweeper = new Sweeper({ filesystems, root: settings.root, log });
  await services.mounts.restore();
  const { limits } = settings;
  const door = new FrontDoor({
    settings,
    hosts: new HostCheck(settings),
    auth,
    metrics,
    lookup: (request, visit) => services.answers.find(request, visit),
    answer: (request, visit, client) => app.fetch(request, { client, visit, limits }),
  });
  metrics.countRunning(() => door.running);
  const drain = async (ms: number): Promise<boolean> => {
    // Listeners of the feed would never end by themselves.
    services.feed.close();
    return await door.close(ms);
  };
  return {
    root: settings.root,
    newToken: made,
    fetch: (request, info) => door.fetch(request, info),
    drain,
    close: async () => {
      await Promise.all([
        drain(limits.drainMs),
        services.mounts.close(),
        services.tasks.close(),
      ]);
      await sweeper.close();
      await services.jobs.close();
      await sessions.close();
      await keys[Symbol.asyncDispose]();
      await filesystems.close();
      await registry.close();
      lock[Symbol.dispose]();
    },
  };
}

/** The settings, with a token where clients of other machines can connect. */
async function withToken(
  settings: Settings,
  registry: Registry,
  options: ManagerOptions,
): Promise<{ settings: Settings; made: string | null }> {
  const known = settings.tokenHash !== null || settings.tls?.clientCa !== undefined;
  if (known || isLoopback(settings.host)) return { settings, made: null };
  const { hash, made } = await ownToken(registry, options.newToken ?? false);
  return { settings: { ...settings, tokenHash: hash }, made };
}

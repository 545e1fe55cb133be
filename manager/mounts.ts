import type { VolumeFacts } from "./filesystems.ts";
import type { Services } from "./services.ts";

/** How a volume is mounted. */
export interface MountStatus {
  volume: string;
  frontend: "fuse" | "direct" | null;
  mounted: boolean;
  ready: boolean;
  mountpoint: string | null;
  host_path: string | null;
  auto_mount: boolean;
}

/** What a mount is asked to be. */
export interface MountWish {
  mode: "fuse" | "direct";
  persist: boolean;
  pin?: string;
  pinEnv?: string;
  pinFile?: string;
}

/** One thing that mounting needs. */
export interface Check {
  name: string;
  ok: boolean;
  /** Whether nothing that was asked for works without it. */
  fatal: boolean;
  detail: string;
  remedy: string | null;
}

/** The volumes that are mounted. */
export interface Mounts {
  status(volume: string): MountStatus;
  mount(volume: VolumeFacts, wish: MountWish): Promise<MountStatus>;
  unmount(volumeId: string): Promise<void>;
  restore(): Promise<void>;
  preflight(): Promise<Check[]>;
  close(): Promise<void>;
}

/** The mounts of a manager. */
export function createMounts(_services: () => Services): Mounts {
  return {
    status: (volume) => ({
      volume,
      frontend: null,
      mounted: false,
      ready: false,
      mountpoint: null,
      host_path: null,
      auto_mount: false,
    }),
    mount: () => Promise.reject(new Error("no mounts yet")),
    unmount: () => Promise.resolve(),
    restore: () => Promise.resolve(),
    preflight: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
}

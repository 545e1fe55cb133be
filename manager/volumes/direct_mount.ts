import type { Filesystems } from "./filesystems.ts";
import type { VolumeFacts } from "./facts.ts";
import { PRINCIPAL } from "./open_files.ts";

/**
 * Mounts a volume without a directory: its file stays open, and the file records a
 * mount of it.
 *
 * @returns What ends the mount when it is disposed.
 *
 * @throws {AloeError} `bad_key`.
 */
export async function attachDirectly(
  filesystems: Pick<Filesystems, "lease">,
  volume: VolumeFacts,
  pin: Uint8Array | null,
): Promise<AsyncDisposable> {
  const lease = await filesystems.lease(volume.fsId);
  try {
    const fs = await lease.file.writer();
    const mount = await fs.mount(volume.id, {
      principal: PRINCIPAL,
      ...(pin === null ? {} : { pin }),
    });
    return {
      [Symbol.asyncDispose]: async () => {
        try {
          await mount.unmount();
        } finally {
          lease[Symbol.dispose]();
        }
      },
    };
  } catch (error) {
    lease[Symbol.dispose]();
    throw error;
  }
}

import { AloeError } from "../../src/errors.ts";

/**
 * Locks a manager's folder for this process. The system releases the lock when the
 * process ends. Two managers would end each other's mounts.
 *
 * @throws {AloeError} `lock_held` when another process has it.
 */
export async function lockRoot(root: string): Promise<Disposable> {
  const file = await Deno.open(`${root}/manager.lock`, { create: true, write: true, mode: 0o600 });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new AloeError("lock_held", `${root}: another manager uses this folder`);
}

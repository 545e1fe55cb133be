import { AloeError } from "../../src/errors.ts";

/**
 * Takes a manager's folder for this process; the system gives it back when the
 * process ends, however it does. Two managers would sweep each other's mounts.
 *
 * @throws {AloeError} `lock_held` when another process has it.
 */
export async function lockRoot(root: string): Promise<Disposable> {
  const file = await Deno.open(`${root}/manager.lock`, { create: true, write: true, mode: 0o600 });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new AloeError("lock_held", `${root}: another manager uses this folder`);
}

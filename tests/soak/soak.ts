import assert from "node:assert/strict";
import { assertSound, sleep } from "../fuse/support.ts";
import { Gate } from "./gate.ts";
import * as hostile from "./hostile.ts";
import { patiently, PinHolder, Program, Writer } from "./honest.ts";
import { excess, type Look, PIN, Place } from "./place.ts";

/** How a soak ended. */
export interface Soaked {
  /** After a quarter of the time, and at the end. */
  quarter: Look;
  end: Look;
}

/**
 * Everything at once, at a manager with small limits, beside a live mount: honest
 * clients over HTTP and on the mount, slow and silent ones, uploads that are cut
 * off, hostile files, wrong PINs, deep trees, searches, archives, exports, mounts.
 *
 * @param seconds For how long.
 * @throws {AssertionError} When something that was acknowledged is not there, the
 * files are not sound, or more is held at the end than after a quarter.
 */
export async function soak(seconds: number): Promise<Soaked> {
  await using place = await Place.start();
  const { url, root } = place;
  const volumes = await Promise.all([
    patiently("POST", `${url}/volumes`, { json: { name: "plain" } }),
    patiently("POST", `${url}/volumes`, { json: { name: "secret", encrypted: true, pin: PIN } }),
  ]);
  const [plain, secret] = volumes.map(({ json }) => `${url}/volumes/${json.id}`);
  const large = await patiently("PUT", `${plain}/files/large`, { body: new Uint8Array(8_000_000) });
  assert.equal(large.status, 201, large.text);
  const mounted = await patiently("POST", `${plain}/mount`);
  assert.equal(mounted.status, 200, mounted.text);
  const { mountpoint } = mounted.json;
  const filesystem = (await patiently("GET", plain)).json.fs_id;

  const writers = [0, 1, 2, 3].map((number) => new Writer(plain, number));
  const programs = [0, 1].map((number) => new Program(mountpoint, number));
  const holder = new PinHolder(secret);
  const folder = await Deno.makeTempDir({ prefix: "aloelite-soak-" });
  const imports = await hostile.importer(url, folder).finally(() => Deno.remove(folder));

  const begun = performance.now();
  // Time does not go on while it is looked.
  let looking = 0;
  const passed = () => (performance.now() - begun - looking) / 1000;
  const gate = new Gate(() => passed() >= seconds);
  const slow = hostile.slowClients(url, plain);
  const uploads = hostile.brokenUploads(plain);
  const running = Promise.all([
    ...writers.map((one, i) => gate.run(`writer ${i}`, () => one.round(), 30)),
    ...programs.map((one, i) => gate.run(`program ${i}`, () => one.round(), 20)),
    gate.run("holder of the PIN", () => holder.round(), 50),
    gate.run("slow clients", slow, 50),
    gate.run("broken uploads", uploads, 100),
    gate.run("imports", imports, 150),
    gate.run("wrong PINs", hostile.guesser(url, secret), 100),
    gate.run("deep trees", hostile.deepTrees(plain), 200),
    gate.run("lookers", hostile.lookers(url, plain, filesystem), 50),
    gate.run("mounts", hostile.mounter(url), 500),
    gate.run("cleaning", hostile.cleaner(plain, `${url}/filesystems/${filesystem}`), 1000),
  ]);
  running.catch(() => {});

  while (passed() < seconds / 4) await Promise.race([sleep(200), running]);
  const from = performance.now();
  await gate.close();
  const quarter = await place.look(mountpoint);
  looking = performance.now() - from;
  gate.open();
  await running;
  const end = await place.look(mountpoint, quarter);
  assert.deepEqual(excess(quarter, end), [], JSON.stringify({ quarter, end }, null, 1));

  const unmounted = await patiently("DELETE", `${plain}/mount`);
  assert.equal(unmounted.status, 204, unmounted.text);
  for (const one of writers) await one.check();
  for (const one of programs) await one.check(plain);
  await holder.check();
  const { json: health } = await patiently("GET", `${plain}/health?deep=1`);
  assert.deepEqual([health.ok, health.problems, health.anomalies], [true, [], []]);
  assert.equal(await place.stop(), 0);
  for (const { name } of Deno.readDirSync(`${root}/filesystems`)) {
    if (!/-(wal|shm)$/.test(name)) await assertSound(`${root}/filesystems/${name}`, PIN);
  }
  return { quarter, end };
}

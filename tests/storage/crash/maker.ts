/**
 * Creates one file after another in a folder until it is killed, and prints
 * which are complete.
 */
import { AloeLite } from "../../../mod.ts";
import { say } from "./support.ts";

const [folder, prefix] = Deno.args;
say("ready");
for (let n = 0;; n++) {
  const name = `${prefix}-${n}.aloe`;
  await using fs = await AloeLite.open(`${folder}/${name}`);
  await fs.createVolume({ name: "main" });
  await using mount = await fs.mount("main");
  await mount.put("/a", "acknowledged");
  say(name);
}

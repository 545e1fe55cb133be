/**
 * Opens a file of an older era, given as its argument, and prints when the
 * upgrade is done.
 */
import { AloeLite } from "../../../mod.ts";
import { say } from "./support.ts";

say("ready");
await using _file = await AloeLite.open(Deno.args[0], { create: false });
say("done");
// Until it is killed.
await new Promise((resolve) => setTimeout(resolve, 60_000));

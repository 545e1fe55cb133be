/** Opens the file that is its argument, of an older era, and says when that is done. */
import { AloeLite } from "../../../mod.ts";
import { say } from "./support.ts";

say("ready");
await using _file = await AloeLite.open(Deno.args[0], { create: false });
say("done");
// Until it is killed.
await new Promise((resolve) => setTimeout(resolve, 60_000));

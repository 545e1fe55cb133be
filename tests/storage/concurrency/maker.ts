/** Opens the file that is its first argument and makes a volume named as its second says. */
import { AloeLite } from "../../../mod.ts";

await using fs = await AloeLite.open(Deno.args[0]);
await fs.createVolume({ name: Deno.args[1] });

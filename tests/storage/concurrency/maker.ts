/**
 * Opens the file of its first argument and creates a volume with the name of
 * its second.
 */
import { AloeLite } from "../../../mod.ts";

await using fs = await AloeLite.open(Deno.args[0]);
await fs.createVolume({ name: Deno.args[1] });

import { type Context, volumeLabel } from "../context.ts";
import { Fault, withSubject } from "../faults.ts";

/** `pin check`: checks whether a PIN opens the volume. */
export async function check(ctx: Context): Promise<void> {
  await using fs = await ctx.open("read");
  const volume = await ctx.findVolume(fs);
  const pin = await ctx.pinFor(volume);
  if (pin === undefined) throw new Fault(volumeLabel(volume), "not encrypted");
  await withSubject(volumeLabel(volume), () => fs.checkPin(volume.id, pin));
  if (ctx.json) await ctx.out.json({ volume: volume.id, correct: true });
  else await ctx.out.line("the PIN is right");
}

/** `pin change`: changes the volume's PIN. */
export async function change(ctx: Context): Promise<void> {
  await using fs = await ctx.open("write");
  const volume = await ctx.findVolume(fs);
  const old = await ctx.pinFor(volume);
  if (old === undefined) throw new Fault(volumeLabel(volume), "not encrypted");
  // Report a wrong PIN before asking for a new one.
  await withSubject(volumeLabel(volume), () => fs.checkPin(volume.id, old));
  const { newPin } = await import("../pin.ts");
  const pin = await newPin(ctx.flags, "new-pin", "New PIN");
  await withSubject(volumeLabel(volume), () => fs.changePin(volume.id, old, pin));
  if (ctx.json) await ctx.out.json({ volume: volume.id, changed: true });
}

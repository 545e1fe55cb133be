/** Twenty seconds of the soak; `deno task soak` takes ten minutes. */

import { mountTest } from "../fuse/support.ts";
import { soak } from "./soak.ts";

mountTest("everything at once, for a while: nothing is lost, nothing is left", async () => {
  await soak(20);
});

/** The thread of a mount, with statements that may hang. */

import "./statements.ts";
import "../../../fuse/worker.ts";

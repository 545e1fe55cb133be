/** The worker of a mount, with statements that hang on request. */

import "./statements.ts";
import "../../../fuse/worker.ts";

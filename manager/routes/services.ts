import type { AnswerCache } from "../http/answer_cache.ts";
import type { Feed } from "../volumes/feed.ts";
import type { Filesystems } from "../volumes/filesystems.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Metrics } from "../http/metrics.ts";
import type { PinSources } from "../mounts/pin_source.ts";
import type { Mounts } from "../mounts/mounts.ts";
import type { Sessions } from "../volumes/sessions.ts";
import type { Settings } from "../settings.ts";
import type { UploadService } from "../volumes/upload_service.ts";
import type { VolumeService } from "../volumes/volume_service.ts";
import type { Tasks } from "../jobs/tasks.ts";

/** The parts of a manager that its routes work with. */
export interface Services {
  readonly settings: Settings;
  readonly filesystems: Filesystems;
  readonly sessions: Sessions;
  /** Opens volumes for requests. */
  readonly volumes: VolumeService;
  readonly uploads: UploadService;
  /** PINs of mounts that are stored on the host. */
  readonly pins: PinSources;
  readonly mounts: Mounts;
  readonly jobs: Jobs;
  readonly tasks: Tasks;
  readonly feed: Feed;
  readonly answers: AnswerCache;
  readonly metrics: Metrics;
  /** Takes a line of the log. Never a PIN or a token. */
  readonly log: (line: string) => void;
}

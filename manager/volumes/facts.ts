import type { EncryptionMode } from "../../mod.ts";

/** What is known of a volume. */
export interface VolumeFacts {
  /** Its uuid7, which it has in its file. */
  id: string;
  /** The filesystem that it is in. */
  fsId: string;
  name: string | null;
  encrypted: boolean;
  encryption: EncryptionMode;
  /** Bytes of a full chunk. */
  chunkSize: number;
  /** When it was made, ns. */
  createdAt: bigint;
}

/** What is known of a filesystem. */
export interface FilesystemFacts {
  /** 32 hexadecimal digits. */
  id: string;
  name: string;
  /** Its file. */
  path: string;
  /** When it came here, ns. */
  createdAt: bigint;
  /** Whether its file is not there. */
  missing: boolean;
}

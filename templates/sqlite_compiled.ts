// Made by `deno task templates` from the builders beside it; not to be edited.
import type { CompiledTemplate } from "./template.ts";

/** Every template's text for SQLite, by name. */
export const compiled: Record<string, CompiledTemplate> = {
  "abandoned.abandonedLocks": {
    "sql":
      'select "k"."lock_id", "k"."node_id", "k"."version" from (select "l"."lock_id", "l"."node_id", "c"."version", exists (select 1 as "one" from "content_version" as "v" where "v"."content_id" = "l"."node_id" and "v"."version" > "c"."version") as "begun", ("m"."mount_id" is not null and (("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "valid", "l"."mount_id" in (select "item"."value" from json_each(?) as "item") as "dead" from "lock" as "l" left join "mount" as "m" on "m"."mount_id" = "l"."mount_id" left join "content" as "c" on "c"."node_id" = "l"."node_id") as "k" where ("k"."begun" and (not "k"."valid" or "k"."dead")) limit ?',
    "names": [
      "now",
      "now",
      "dead",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "abandoned.abandonedVolumes": {
    "sql":
      'select distinct "v"."volume_id" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" where "m"."principal" = ? and "m"."state" != \'unmounted\' and ("m"."expires_at" <= ? or "m"."mount_id" in (select "item"."value" from json_each(?) as "item"))',
    "names": [
      "making",
      "now",
      "dead",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "abandoned.anyUnfinished": {
    "sql":
      'select (exists (select 1 as "one" from "lock") or exists (select 1 as "one" from "aloe_unlinked") or exists (select 1 as "one" from "mount" where "principal" = ? and "mount"."state" != \'unmounted\')) as "used", exists (select 1 as "one" from "aloe_orphan") as "noted"',
    "names": [
      "making",
    ],
    "constants": [
      null,
    ],
  },
  "abandoned.endDeadMounts": {
    "sql":
      'update "mount" set "state" = \'unmounted\' where "mount_id" in (select "item"."value" from json_each(?) as "item") and exists (select 1 as "one" from "aloe_unlinked" as "u" where "u"."mount_id" = "mount"."mount_id")',
    "names": [
      "dead",
    ],
    "constants": [
      null,
    ],
  },
  "abandoned.livingLock": {
    "sql":
      'select "l"."lock_id" from "lock" as "l" inner join "mount" as "m" on "m"."mount_id" = "l"."mount_id" where "l"."node_id" = ? and (("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?)) and "l"."mount_id" not in (select "item"."value" from json_each(?) as "item") limit 1',
    "names": [
      "node",
      "now",
      "now",
      "dead",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "abandoned.mountIds": {
    "sql": 'select "mount_id" from "mount" where "mount"."state" != \'unmounted\'',
    "names": [],
    "constants": [],
  },
  "content.carryManifest": {
    "sql":
      'insert into "content_version" ("content_id", "version", "chunk_index", "chunk_hash") select "content_id", ? as "version", "chunk_index", "chunk_hash" from "content_version" where "content_id" = ? and "version" = ? and "chunk_index" >= ? and "chunk_index" <= ?',
    "names": [
      "to",
      "node",
      "from",
      "first",
      "last",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "content.chunkByHash": {
    "sql": 'select "data", "length", "N_c", "enc_tag" from "content_chunk" where "chunk_hash" = ?',
    "names": [
      "hash",
    ],
    "constants": [
      null,
    ],
  },
  "content.chunkReferences": {
    "sql":
      'select "k"."chunk_hash", length("k"."data") as "bytes", exists (select 1 as "one" from "content_version" as "v" where "v"."chunk_hash" = "k"."chunk_hash") as "used" from "content_chunk" as "k" where "k"."chunk_hash" > ? order by "k"."chunk_hash" limit ?',
    "names": [
      "after",
      "limit",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content.chunksByHashes": {
    "sql":
      'select "k"."chunk_hash", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag" from json_each(?) as "item" cross join "content_chunk" as "k" where "k"."chunk_hash" = "item"."value" and length("k"."data") <= ?',
    "names": [
      "hashes",
      "most",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content.commitVersion": {
    "sql": 'update "content" set "version" = ?, "size" = ? where "node_id" = ?',
    "names": [
      "version",
      "size",
      "node",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "content.committedChunks": {
    "sql":
      'select "v"."chunk_index", "v"."chunk_hash", CASE WHEN length("k"."data") <= coalesce((SELECT o.chunk_size\n    FROM node AS n JOIN volume AS o ON o.volume_id = n.volume_id WHERE n.node_id = ?),\n    1073741824) THEN k.data END as "data", "k"."length", "k"."N_c", "k"."enc_tag" from "content" as "c" cross join "content_version" as "v" left join "content_chunk" as "k" on "k"."chunk_hash" = "v"."chunk_hash" where "c"."node_id" = ? and "v"."content_id" = "c"."node_id" and "v"."version" = "c"."version" and "v"."chunk_index" >= ? and "v"."chunk_index" <= ? order by "v"."chunk_index"',
    "names": [
      "node",
      "node",
      "first",
      "last",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "content.copyCommittedManifest": {
    "sql":
      'insert into "content_version" ("content_id", "version", "chunk_index", "chunk_hash") select ? as "id", "v"."version", "v"."chunk_index", "v"."chunk_hash" from "content" as "c" inner join "content_version" as "v" on "v"."content_id" = "c"."node_id" and "v"."version" = "c"."version" where "c"."node_id" = ?',
    "names": [
      "node",
      "source",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content.copyContent": {
    "sql":
      'insert into "content" ("node_id", "version", "size", "retention_keep") select ? as "id", "version", "size", "retention_keep" from "content" where "node_id" = ?',
    "names": [
      "node",
      "source",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content.deleteChunks": {
    "sql":
      'delete from "content_chunk" where "chunk_hash" in (select "item"."value" from json_each(?) as "item")',
    "names": [
      "hashes",
    ],
    "constants": [
      null,
    ],
  },
  "content.deleteVersion": {
    "sql": 'delete from "content_version" where "content_id" = ? and "version" = ?',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content.deleteVersionNote": {
    "sql": 'delete from "aloe_version" where "content_id" = ? and "version" = ?',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content.deleteVersionsAbove": {
    "sql": 'delete from "content_version" where "content_id" = ? and "version" > ?',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content.insertChunk": {
    "sql":
      'insert into "content_chunk" ("chunk_hash", "data", "length", "N_c", "enc_tag") values (?, ?, ?, ?, ?) on conflict do nothing',
    "names": [
      "hash",
      "data",
      "length",
      "nonce",
      "tag",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "content.insertContent": {
    "sql":
      'insert into "content" ("node_id", "version", "size", "retention_keep") values (?, ?, ?, ?)',
    "names": [
      "node",
      "version",
      "size",
      "keep",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "content.insertManifestRow": {
    "sql":
      'insert into "content_version" ("content_id", "version", "chunk_index", "chunk_hash", "proof") values (?, ?, ?, ?, ?)',
    "names": [
      "node",
      "version",
      "index",
      "hash",
      null,
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "content.insertManifestRun": {
    "sql":
      'insert into "content_version" ("content_id", "version", "chunk_index", "chunk_hash") with recursive "run" as (select CAST(? AS INTEGER) as "i" union all select i + 1 as "i" from "run" where "i" < CAST(? AS INTEGER)) select ? as "id", ? as "version", "i", ? as "hash" from "run"',
    "names": [
      "first",
      "last",
      "node",
      "version",
      "hash",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "content.listVersions": {
    "sql":
      'select "known"."version", "a"."committed_at", "c"."version" as "committed", "c"."size" as "committed_size", "a"."size" as "noted_size", "n"."created_at", "n"."modified_at", (select CAST(sum(CAST("k"."length" AS REAL)) AS INTEGER) as "sum" from "content_version" as "m" inner join "content_chunk" as "k" on "k"."chunk_hash" = "m"."chunk_hash" where "m"."content_id" = ? and "m"."version" = "known"."version") as "summed_size" from (select distinct "v"."version" from "content_version" as "v" inner join "content" as "c" on "c"."node_id" = "v"."content_id" where "v"."content_id" = ? and "v"."version" <= "c"."version" union select "a"."version" from "aloe_version" as "a" inner join "content" as "c" on "c"."node_id" = "a"."content_id" where "a"."content_id" = ? and "a"."size" = 0 and "a"."version" <= "c"."version" union select "c"."version" from "content" as "c" where "c"."node_id" = ?) as "known" inner join "content" as "c" on "c"."node_id" = ? inner join "node" as "n" on "n"."node_id" = "c"."node_id" left join "aloe_version" as "a" on "a"."content_id" = "c"."node_id" and "a"."version" = "known"."version" order by "known"."version" desc',
    "names": [
      "node",
      "node",
      "node",
      "node",
      "node",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "content.manifestPage": {
    "sql":
      'select "v"."chunk_index", "v"."chunk_hash", "k"."length" from "content_version" as "v" left join "content_chunk" as "k" on "k"."chunk_hash" = "v"."chunk_hash" where "v"."content_id" = ? and "v"."version" = ? and "v"."chunk_index" >= ? order by "v"."chunk_index" limit ?',
    "names": [
      "node",
      "version",
      "first",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "content.prunableVersions": {
    "sql":
      'select "r"."content_id", "r"."version" from (select "d"."content_id", "d"."version", "c"."version" as "committed", "c"."retention_keep" as "keep", row_number() OVER (\n          PARTITION BY d.content_id, d.version < c.version ORDER BY d.version DESC\n        ) as "rank" from (select "content_id", "version" from "content_version" union select "content_id", "version" from "aloe_version" where "size" = 0) as "d" inner join "content" as "c" on "c"."node_id" = "d"."content_id" inner join "node" as "n" on "n"."node_id" = "d"."content_id" where ("n"."volume_id" = ? or ? is null) and "d"."version" != "c"."version") as "r" where ("r"."version" > "r"."committed" or ("r"."keep" is not null and "r"."rank" > max(r.keep, 1) - 1)) and "r"."content_id" not in (select "l"."node_id" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?)))',
    "names": [
      "volume",
      "volume",
      "now",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "content.renumberVersion": {
    "sql": 'update "content_version" set "version" = ? where "content_id" = ? and "version" = ?',
    "names": [
      "to",
      "node",
      "from",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "content.setRetention": {
    "sql": 'update "content" set "retention_keep" = ? where "node_id" = ?',
    "names": [
      "keep",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content.versionChunks": {
    "sql":
      'select "v"."chunk_index", "v"."chunk_hash", CASE WHEN length("k"."data") <= coalesce((SELECT o.chunk_size\n    FROM node AS n JOIN volume AS o ON o.volume_id = n.volume_id WHERE n.node_id = ?),\n    1073741824) THEN k.data END as "data", "k"."length", "k"."N_c", "k"."enc_tag" from "content_version" as "v" left join "content_chunk" as "k" on "k"."chunk_hash" = "v"."chunk_hash" where "v"."content_id" = ? and "v"."version" = ? and "v"."chunk_index" >= ? and "v"."chunk_index" <= ? order by "v"."chunk_index"',
    "names": [
      "node",
      "node",
      "version",
      "first",
      "last",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "content.versionSize": {
    "sql":
      'select "c"."version" as "committed", "c"."size" as "committed_size", (select "a"."size" from "aloe_version" as "a" where "a"."content_id" = ? and "a"."version" = ?) as "noted_size", (select CAST(sum(CAST("k"."length" AS REAL)) AS INTEGER) as "sum" from "content_version" as "m" inner join "content_chunk" as "k" on "k"."chunk_hash" = "m"."chunk_hash" where "m"."content_id" = ? and "m"."version" = ?) as "summed_size" from "content" as "c" where "c"."node_id" = ?',
    "names": [
      "node",
      "version",
      "node",
      "version",
      "node",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "content.versionState": {
    "sql":
      'select "version", "size", (select max("v"."version") as "top" from "content_version" as "v" where "v"."content_id" = "content"."node_id") as "top" from "content" where "node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "content_change.chunksOfThese": {
    "sql":
      'select count(*) as "chunks", sum(length("k"."data")) as "bytes" from "content_chunk" as "k" where "k"."chunk_hash" in (select "chunk_hash" from "content_version" where "content_id" in (select "item"."value" from json_each(?) as "item")) and not exists (select 1 as "one" from "content_version" as "v" where "v"."chunk_hash" = "k"."chunk_hash" and "v"."content_id" not in (select "item"."value" from json_each(?) as "item"))',
    "names": [
      "nodes",
      "nodes",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content_change.contentFacts": {
    "sql":
      'select "c"."version", "c"."size", "s"."size" as "true_size", "s"."version" as "size_version", "h"."chunks" as "holes", "h"."version" as "holes_version" from "content" as "c" left join "aloe_size" as "s" on "s"."node_id" = "c"."node_id" left join "aloe_hole" as "h" on "h"."node_id" = "c"."node_id" where "c"."node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "content_change.deleteNotes": {
    "sql":
      'delete from "aloe_orphan" where "chunk_hash" in (select "chunk_hash" from "aloe_orphan" order by "chunk_hash" limit ?)',
    "names": [
      "limit",
    ],
    "constants": [
      null,
    ],
  },
  "content_change.deleteNotesBelow": {
    "sql": 'delete from "aloe_version" where "content_id" = ? and "version" < ?',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content_change.deleteRange": {
    "sql":
      'delete from "content_version" where "content_id" = ? and "version" = ? and "chunk_index" >= ? and "chunk_index" <= ?',
    "names": [
      "node",
      "version",
      "first",
      "last",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "content_change.deleteVersionsBelow": {
    "sql": 'delete from "content_version" where "content_id" = ? and "version" < ?',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content_change.notedChunks": {
    "sql":
      'select "o"."chunk_hash", exists (select 1 as "one" from "content_version" as "v" where "v"."chunk_hash" = "o"."chunk_hash") as "used" from "aloe_orphan" as "o" order by "o"."chunk_hash" limit ?',
    "names": [
      "limit",
    ],
    "constants": [
      null,
    ],
  },
  "content_change.oldestKept": {
    "sql":
      'select "version" from "aloe_version" where "content_id" = ? and "version" <= ? order by "version" desc limit 1 offset ?',
    "names": [
      "node",
      "version",
      "skip",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "content_change.orphanNodes": {
    "sql":
      'insert into "aloe_orphan" ("chunk_hash") select "chunk_hash" from "content_version" where "content_id" in (select "item"."value" from json_each(?) as "item") on conflict do nothing',
    "names": [
      "nodes",
    ],
    "constants": [
      null,
    ],
  },
  "content_change.orphanRange": {
    "sql":
      'insert into "aloe_orphan" ("chunk_hash") select "chunk_hash" from "content_version" where "content_id" = ? and "version" = ? and "chunk_index" >= ? and "chunk_index" <= ? on conflict do nothing',
    "names": [
      "node",
      "version",
      "first",
      "last",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "content_change.orphanVersionsAbove": {
    "sql":
      'insert into "aloe_orphan" ("chunk_hash") select "chunk_hash" from "content_version" where "content_id" = ? and "version" > ? on conflict do nothing',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content_change.orphanVersionsBelow": {
    "sql":
      'insert into "aloe_orphan" ("chunk_hash") select "chunk_hash" from "content_version" where "content_id" = ? and "version" < ? on conflict do nothing',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content_change.orphanVolume": {
    "sql":
      'insert into "aloe_orphan" ("chunk_hash") select "v"."chunk_hash" from "content_version" as "v" inner join "node" as "n" on "n"."node_id" = "v"."content_id" where "n"."volume_id" = ? on conflict do nothing',
    "names": [
      "volume",
    ],
    "constants": [
      null,
    ],
  },
  "content_change.replaceManifestRow": {
    "sql":
      'insert into "content_version" ("content_id", "version", "chunk_index", "chunk_hash", "proof") values (?, ?, ?, ?, ?) on conflict ("content_id", "version", "chunk_index") do update set "chunk_hash" = ?',
    "names": [
      "node",
      "version",
      "index",
      "hash",
      null,
      "hash",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "content_change.setContentSize": {
    "sql": 'update "content" set "size" = CAST(? AS INTEGER) where "node_id" = ?',
    "names": [
      "size",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "content_change.setNotedSize": {
    "sql":
      'update "aloe_version" set "size" = CAST(? AS INTEGER) where "content_id" = ? and "version" = ?',
    "names": [
      "size",
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "edge.ancestors": {
    "sql":
      'with recursive "up" as (select "node_id", NULL as "name", 0 as "depth" from "node" where "node_id" = ? union all select "e"."from_id" as "node_id", "e"."name" as "name", up.depth + 1 as "depth" from "up" inner join "edge" as "e" on "e"."edge_id" = (select max("x"."edge_id") as "edge" from "edge" as "x" where "x"."to_id" = "up"."node_id" and "x"."archived" = 0) where "up"."depth" < 100000) select "node_id", "name", "depth" from "up" order by "depth"',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "edge.archiveEdge": {
    "sql": 'update "edge" set "archived" = 1 where "edge_id" = ?',
    "names": [
      "edge",
    ],
    "constants": [
      null,
    ],
  },
  "edge.archiveEdges": {
    "sql":
      'update "edge" set "archived" = 1 where "edge_id" in (select "item"."value" from json_each(?) as "item")',
    "names": [
      "edges",
    ],
    "constants": [
      null,
    ],
  },
  "edge.deleteEdgesOf": {
    "sql":
      'delete from "edge" where ("from_id" in (select "item"."value" from json_each(?) as "item") or "to_id" in (select "item"."value" from json_each(?) as "item"))',
    "names": [
      "nodes",
      "nodes",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "edge.doubledNames": {
    "sql":
      'select "name", max("to_id") as "visible" from "edge" where "from_id" = ? and "archived" = 0 group by "name" having count(*) > 1',
    "names": [
      "parent",
    ],
    "constants": [
      null,
    ],
  },
  "edge.hasChild": {
    "sql": 'select "edge_id" from "edge" where "from_id" = ? and "archived" = 0 limit 1',
    "names": [
      "parent",
    ],
    "constants": [
      null,
    ],
  },
  "edge.insertEdge": {
    "sql":
      'insert into "edge" ("edge_id", "from_id", "to_id", "volume_id", "archived", "name") values (?, ?, ?, ?, 0, ?)',
    "names": [
      "edge",
      "from",
      "to",
      "volume",
      "name",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "edge.isBelowItself": {
    "sql":
      'select "w"."node_id" from (\n    WITH RECURSIVE walk (node_id, edge_id) AS (\n      SELECT ?, NULL\n      UNION\n      SELECT e.to_id, e.edge_id FROM walk JOIN edge AS e\n        ON e.from_id = walk.node_id AND e.archived = 0\n    )\n    SELECT node_id, edge_id FROM walk\n  ) as "w" where "w"."node_id" = ? and "w"."edge_id" is not null limit 1',
    "names": [
      "node",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "edge.listChildren": {
    "sql":
      'select "e"."edge_id", "e"."to_id", "e"."name", "n"."type" from "edge" as "e" inner join "node" as "n" on "n"."node_id" = "e"."to_id" where "e"."from_id" = ? and "e"."archived" = 0 order by "e"."edge_id"',
    "names": [
      "parent",
    ],
    "constants": [
      null,
    ],
  },
  "edge.lockedBelow": {
    "sql":
      'select "l"."node_id" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."mount_id" != ? and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?)) and ("l"."node_id" = ? or "l"."node_id" in (select "to_id" from "edge" where "edge_id" in (SELECT edge_id FROM (\n    WITH RECURSIVE walk (node_id, edge_id) AS (\n      SELECT ?, NULL\n      UNION\n      SELECT e.to_id, e.edge_id FROM walk JOIN edge AS e\n        ON e.from_id = walk.node_id AND e.archived = 0\n    )\n    SELECT node_id, edge_id FROM walk\n  ) as "w" WHERE edge_id IS NOT NULL)))',
    "names": [
      "mount",
      "now",
      "now",
      "node",
      "node",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "edge.placements": {
    "sql":
      'select "edge_id", "from_id", "name" from "edge" where "to_id" = ? and "archived" = 0 order by "edge_id"',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "edge.placementsAt": {
    "sql":
      'select "edge_id", "from_id", "name" from "edge" where "from_id" = ? and "name" = ? and "to_id" = ? and "archived" = 0 order by ("edge_id" || \'\') desc',
    "names": [
      "parent",
      "name",
      "node",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "edge.placementsIn": {
    "sql":
      'select "e"."edge_id", "e"."to_id", "n"."type" from json_each(?) as "item" cross join "edge" as "e" left join "node" as "n" on "n"."node_id" = "e"."to_id" where "e"."from_id" = "item"."value" and "e"."archived" = 0 limit ?',
    "names": [
      "containers",
      "limit",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "edge.setEdgeName": {
    "sql": 'update "edge" set "name" = ? where "edge_id" = ?',
    "names": [
      "name",
      "edge",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "edge.treeBelow": {
    "sql":
      'select e.from_id as "parent_id", e.edge_id as "edge_id", e.name as "edge_name", "n"."node_id", "n"."type", "n"."name", "n"."created_at", "n"."modified_at", "n"."atime", "n"."mode", "n"."uid", "n"."gid", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", "c"."version", "c"."size", "c"."retention_keep" from "edge" as "e" cross join "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" where "e"."from_id" = ? and "e"."archived" = 0 and "e"."edge_id" > ? and "n"."node_id" = "e"."to_id" order by "e"."edge_id" limit ?',
    "names": [
      "parent",
      "after",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "edge.treeTop": {
    "sql":
      'select NULL as "parent_id", NULL as "edge_id", NULL as "edge_name", "n"."node_id", "n"."type", "n"."name", "n"."created_at", "n"."modified_at", "n"."atime", "n"."mode", "n"."uid", "n"."gid", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", "c"."version", "c"."size", "c"."retention_keep" from "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" where "n"."node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "file.newestMigration": {
    "sql": 'select max("name") as "name" from "aloe_migration"',
    "names": [],
    "constants": [],
  },
  "file.storedVolumes": {
    "sql": 'select "volume_id", "wm_ts", "wm_seq" from "volume" order by "volume_id" limit 100',
    "names": [],
    "constants": [],
  },
  "holes.copyHoles": {
    "sql":
      'insert into "aloe_hole" ("node_id", "version", "chunks") select ? as "id", "version", "chunks" from "aloe_hole" where "node_id" = ?',
    "names": [
      "node",
      "source",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "holes.countReferences": {
    "sql":
      'select count(*) as "count" from "content_version" where "content_id" = ? and "version" = ? and "chunk_index" >= ? and "chunk_index" <= ? and "chunk_hash" = ?',
    "names": [
      "node",
      "version",
      "first",
      "last",
      "hash",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "holes.deleteHoles": {
    "sql": 'delete from "aloe_hole" where "node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "holes.setHoles": {
    "sql":
      'insert into "aloe_hole" ("node_id", "version", "chunks") values (?, ?, ?) on conflict ("node_id") do update set "version" = "excluded"."version", "chunks" = "excluded"."chunks"',
    "names": [
      "node",
      "version",
      "chunks",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "inode.abandonedNodes": {
    "sql":
      'select "u"."node_id", exists (select 1 as "one" from "edge" as "e" where "e"."to_id" = "u"."node_id") as "placed" from "aloe_unlinked" as "u" inner join "node" as "n" on "n"."node_id" = "u"."node_id" where "n"."volume_id" = ? and not exists (select 1 as "one" from "mount" as "m" where "m"."mount_id" = "u"."mount_id" and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?))) limit ?',
    "names": [
      "volume",
      "now",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "inode.chunkHashAt": {
    "sql":
      'select "chunk_hash" from "content_version" where "content_id" = ? and "version" = ? and "chunk_index" = ?',
    "names": [
      "node",
      "version",
      "index",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "inode.commitMount": {
    "sql":
      'select "m"."access", "m"."mount_point", "v"."volume_id", "v"."chunk_size", "v"."enc_mode", "v"."wm_ts", "v"."wm_seq" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "inode.committedHashes": {
    "sql":
      'select "v"."chunk_index", "v"."chunk_hash" from "content" as "c" cross join "content_version" as "v" where "v"."content_id" = "c"."node_id" and "v"."version" = "c"."version" and "c"."node_id" = ? and "v"."chunk_index" >= ? and "v"."chunk_index" <= ? order by "v"."chunk_index"',
    "names": [
      "node",
      "first",
      "last",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "inode.copyDevice": {
    "sql":
      'insert into "aloe_device" ("node_id", "kind", "major", "minor") select ? as "id", "kind", "major", "minor" from "aloe_device" where "node_id" = ?',
    "names": [
      "node",
      "source",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "inode.deleteEdge": {
    "sql": 'delete from "edge" where "edge_id" = ?',
    "names": [
      "edge",
    ],
    "constants": [
      null,
    ],
  },
  "inode.deleteLocksOnAny": {
    "sql":
      'delete from "lock" where "node_id" in (select "item"."value" from json_each(?) as "item")',
    "names": [
      "nodes",
    ],
    "constants": [
      null,
    ],
  },
  "inode.deleteMountsAtAny": {
    "sql":
      'delete from "mount" where "mount_point" in (select "item"."value" from json_each(?) as "item")',
    "names": [
      "nodes",
    ],
    "constants": [
      null,
    ],
  },
  "inode.deleteUnlinked": {
    "sql": 'delete from "aloe_unlinked" where "node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "inode.hasOtherChild": {
    "sql":
      'select "edge_id" from "edge" where "from_id" = ? and "archived" = 0 and "edge_id" not in (select "item"."value" from json_each(?) as "item") limit 1',
    "names": [
      "parent",
      "edges",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "inode.inodeById": {
    "sql":
      'select "n"."node_id", "n"."type", "d"."kind", "d"."major", "d"."minor", "n"."mode", CASE WHEN "n"."mode" IS NULL AND json_valid("n"."metadata", 8)\n    THEN json_extract("n"."metadata", \'$.mode\') END as "metadata_mode", "n"."uid", "n"."gid", coalesce(n.atime, n.modified_at, n.created_at) / 1000000000 as "atime_s", coalesce(n.atime, n.modified_at, n.created_at) % 1000000000 as "atime_ns", coalesce(n.modified_at, n.created_at) / 1000000000 as "mtime_s", coalesce(n.modified_at, n.created_at) % 1000000000 as "mtime_ns", coalesce(n.ctime, n.modified_at, n.created_at) / 1000000000 as "ctime_s", coalesce(n.ctime, n.modified_at, n.created_at) % 1000000000 as "ctime_ns", "c"."size", "s"."size" as "true_size", "c"."version", "c"."retention_keep", case when "n"."type" != \'container\' then (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) when (exists (select 1 as "one" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) or exists (select 1 as "one" from "volume" as "lv" where "lv"."volume_id" = "n"."volume_id" and "lv"."root_node_id" = "n"."node_id")) then (select 2 + count(*) as "count" from "aloe_subdir" as "sd" where "sd"."parent_id" = "n"."node_id") else 0 end as "links", "h"."chunks" as "holes" from "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "aloe_size" as "s" on "s"."node_id" = "n"."node_id" and "s"."version" = "c"."version" left join "aloe_hole" as "h" on "h"."node_id" = "n"."node_id" and "h"."version" = "c"."version" left join "aloe_device" as "d" on "d"."node_id" = "n"."node_id" where "n"."node_id" = ? and "n"."volume_id" = ?',
    "names": [
      "node",
      "volume",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "inode.inodeByName": {
    "sql":
      'select "n"."node_id", "n"."type", "d"."kind", "d"."major", "d"."minor", "n"."mode", CASE WHEN "n"."mode" IS NULL AND json_valid("n"."metadata", 8)\n    THEN json_extract("n"."metadata", \'$.mode\') END as "metadata_mode", "n"."uid", "n"."gid", coalesce(n.atime, n.modified_at, n.created_at) / 1000000000 as "atime_s", coalesce(n.atime, n.modified_at, n.created_at) % 1000000000 as "atime_ns", coalesce(n.modified_at, n.created_at) / 1000000000 as "mtime_s", coalesce(n.modified_at, n.created_at) % 1000000000 as "mtime_ns", coalesce(n.ctime, n.modified_at, n.created_at) / 1000000000 as "ctime_s", coalesce(n.ctime, n.modified_at, n.created_at) % 1000000000 as "ctime_ns", "c"."size", "s"."size" as "true_size", "c"."version", "c"."retention_keep", case when "n"."type" != \'container\' then (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) when (exists (select 1 as "one" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) or exists (select 1 as "one" from "volume" as "lv" where "lv"."volume_id" = "n"."volume_id" and "lv"."root_node_id" = "n"."node_id")) then (select 2 + count(*) as "count" from "aloe_subdir" as "sd" where "sd"."parent_id" = "n"."node_id") else 0 end as "links", "h"."chunks" as "holes", "e"."edge_id" from "edge" as "e" cross join "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "aloe_size" as "s" on "s"."node_id" = "n"."node_id" and "s"."version" = "c"."version" left join "aloe_hole" as "h" on "h"."node_id" = "n"."node_id" and "h"."version" = "c"."version" left join "aloe_device" as "d" on "d"."node_id" = "n"."node_id" where "n"."node_id" = "e"."to_id" and "e"."from_id" = ? and "e"."name" = ? and "e"."archived" = 0 and "n"."volume_id" = ? order by "e"."to_id" desc limit 1',
    "names": [
      "parent",
      "name",
      "volume",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "inode.inodesAfter": {
    "sql":
      'select "n"."node_id", "n"."type", "d"."kind", "d"."major", "d"."minor", "n"."mode", CASE WHEN "n"."mode" IS NULL AND json_valid("n"."metadata", 8)\n    THEN json_extract("n"."metadata", \'$.mode\') END as "metadata_mode", "n"."uid", "n"."gid", coalesce(n.atime, n.modified_at, n.created_at) / 1000000000 as "atime_s", coalesce(n.atime, n.modified_at, n.created_at) % 1000000000 as "atime_ns", coalesce(n.modified_at, n.created_at) / 1000000000 as "mtime_s", coalesce(n.modified_at, n.created_at) % 1000000000 as "mtime_ns", coalesce(n.ctime, n.modified_at, n.created_at) / 1000000000 as "ctime_s", coalesce(n.ctime, n.modified_at, n.created_at) % 1000000000 as "ctime_ns", "c"."size", "s"."size" as "true_size", "c"."version", "c"."retention_keep", case when "n"."type" != \'container\' then (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) when (exists (select 1 as "one" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) or exists (select 1 as "one" from "volume" as "lv" where "lv"."volume_id" = "n"."volume_id" and "lv"."root_node_id" = "n"."node_id")) then (select 2 + count(*) as "count" from "aloe_subdir" as "sd" where "sd"."parent_id" = "n"."node_id") else 0 end as "links", "h"."chunks" as "holes", "e"."edge_id", "e"."name", exists (select 1 as "one" from "edge" as "o" where "o"."from_id" = "e"."from_id" and "o"."name" = "e"."name" and "o"."to_id" > "e"."to_id" and "o"."archived" = 0) as "hidden" from "edge" as "e" cross join "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "aloe_size" as "s" on "s"."node_id" = "n"."node_id" and "s"."version" = "c"."version" left join "aloe_hole" as "h" on "h"."node_id" = "n"."node_id" and "h"."version" = "c"."version" left join "aloe_device" as "d" on "d"."node_id" = "n"."node_id" where "n"."node_id" = "e"."to_id" and "e"."from_id" = ? and "e"."archived" = 0 and "e"."edge_id" > ? and "n"."volume_id" = ? order by "e"."edge_id" limit ?',
    "names": [
      "parent",
      "after",
      "volume",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "inode.insertDevice": {
    "sql": 'insert into "aloe_device" ("node_id", "kind", "major", "minor") values (?, ?, ?, ?)',
    "names": [
      "node",
      "kind",
      "major",
      "minor",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "inode.insertInode": {
    "sql":
      'insert into "node" ("node_id", "type", "name", "created_at", "modified_at", "volume_id", "metadata", "mode", "uid", "gid", "atime", "ctime") values (?, ?, ?, CAST(? AS INTEGER) * 1000000000 + CAST(? AS INTEGER), CAST(? AS INTEGER) * 1000000000 + CAST(? AS INTEGER), ?, ?, ?, ?, ?, ?, ?)',
    "names": [
      "node",
      "type",
      "name",
      "sec",
      "nsec",
      "sec",
      "nsec",
      "volume",
      null,
      "mode",
      "uid",
      "gid",
      null,
      null,
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "inode.insertUnlinked": {
    "sql":
      'insert into "aloe_unlinked" ("node_id", "mount_id") values (?, ?) on conflict ("node_id") do update set "mount_id" = ?',
    "names": [
      "node",
      "mount",
      "mount",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "inode.mountedVolume": {
    "sql":
      'select "m"."mount_point", "v"."volume_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" where "m"."mount_id" = ?',
    "names": [
      "mount",
    ],
    "constants": [
      null,
    ],
  },
  "inode.namesAfter": {
    "sql":
      'select "edge_id" as "edge", "name" from "edge" where "from_id" = ? and "archived" = 0 and "edge_id" > ? order by "edge_id" limit ?',
    "names": [
      "parent",
      "after",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "inode.newestInodesAfter": {
    "sql":
      'select "n"."node_id", "n"."type", "d"."kind", "d"."major", "d"."minor", "n"."mode", CASE WHEN "n"."mode" IS NULL AND json_valid("n"."metadata", 8)\n    THEN json_extract("n"."metadata", \'$.mode\') END as "metadata_mode", "n"."uid", "n"."gid", coalesce(n.atime, n.modified_at, n.created_at) / 1000000000 as "atime_s", coalesce(n.atime, n.modified_at, n.created_at) % 1000000000 as "atime_ns", coalesce(n.modified_at, n.created_at) / 1000000000 as "mtime_s", coalesce(n.modified_at, n.created_at) % 1000000000 as "mtime_ns", coalesce(n.ctime, n.modified_at, n.created_at) / 1000000000 as "ctime_s", coalesce(n.ctime, n.modified_at, n.created_at) % 1000000000 as "ctime_ns", "c"."size", "s"."size" as "true_size", "c"."version", "c"."retention_keep", case when "n"."type" != \'container\' then (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) when (exists (select 1 as "one" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) or exists (select 1 as "one" from "volume" as "lv" where "lv"."volume_id" = "n"."volume_id" and "lv"."root_node_id" = "n"."node_id")) then (select 2 + count(*) as "count" from "aloe_subdir" as "sd" where "sd"."parent_id" = "n"."node_id") else 0 end as "links", "h"."chunks" as "holes", "e"."edge_id", "e"."name", exists (select 1 as "one" from "edge" as "o" where "o"."from_id" = "e"."from_id" and "o"."name" = "e"."name" and "o"."to_id" > "e"."to_id" and "o"."archived" = 0) as "hidden" from "edge" as "e" cross join "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "aloe_size" as "s" on "s"."node_id" = "n"."node_id" and "s"."version" = "c"."version" left join "aloe_hole" as "h" on "h"."node_id" = "n"."node_id" and "h"."version" = "c"."version" left join "aloe_device" as "d" on "d"."node_id" = "n"."node_id" where "n"."node_id" = "e"."to_id" and "e"."from_id" = ? and "e"."archived" = 0 and "e"."edge_id" > ? and "e"."edge_id" < ? and "n"."volume_id" = ? order by "e"."edge_id" desc limit ?',
    "names": [
      "parent",
      "after",
      "before",
      "volume",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "inode.newestNamesAfter": {
    "sql":
      'select "edge_id" as "edge", "name" from "edge" where "from_id" = ? and "archived" = 0 and "edge_id" > ? and "edge_id" < ? order by "edge_id" desc limit ?',
    "names": [
      "parent",
      "after",
      "before",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "inode.reachedElsewhere": {
    "sql":
      'select "item"."value" as "node_id", exists (select 1 as "one" from "edge" where "to_id" = "item"."value" and "archived" = 0 and "edge_id" not in (select "item"."value" from json_each(?) as "item")) as "named" from json_each(?) as "item" where (exists (select 1 as "one" from "edge" where "to_id" = "item"."value" and "archived" = 0 and "edge_id" not in (select "item"."value" from json_each(?) as "item")) or exists (select 1 as "one" from "edge" where "from_id" = "item"."value" and "archived" = 0 and "edge_id" not in (select "item"."value" from json_each(?) as "item")))',
    "names": [
      "edges",
      "nodes",
      "edges",
      "edges",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "inode.replaceEdge": {
    "sql": 'update "edge" set "edge_id" = ?, "from_id" = ?, "name" = ? where "edge_id" = ?',
    "names": [
      "edge",
      "from",
      "name",
      "old",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "inode.replaceSubdir": {
    "sql":
      'update "aloe_subdir" set "edge_id" = ?, "parent_id" = ? where "parent_id" = ? and "edge_id" = ?',
    "names": [
      "edge",
      "from",
      "oldFrom",
      "old",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "inode.setInodeOwner": {
    "sql":
      'update "node" set "mode" = ?, "uid" = ?, "gid" = ?, "metadata" = CASE WHEN json_type("metadata", \'$.mode\') IS NULL THEN "metadata"\n    ELSE jsonb_set("metadata", \'$.mode\', printf(\'%o\', CAST(? AS INTEGER))) END where "node_id" = ?',
    "names": [
      "mode",
      "uid",
      "gid",
      "mode",
      "node",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "inode.setInodeTimes": {
    "sql":
      'update "node" set "atime" = CAST(? AS INTEGER) * 1000000000 + CAST(? AS INTEGER), "modified_at" = CAST(? AS INTEGER) * 1000000000 + CAST(? AS INTEGER), "ctime" = CAST(? AS INTEGER) * 1000000000 + CAST(? AS INTEGER) where "node_id" = ?',
    "names": [
      "atimeSec",
      "atimeNsec",
      "mtimeSec",
      "mtimeNsec",
      "ctimeSec",
      "ctimeNsec",
      "node",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "inode.withPlacement": {
    "sql":
      'select "item"."value" as "node_id" from json_each(?) as "item" where exists (select 1 as "one" from "edge" where "to_id" = "item"."value")',
    "names": [
      "nodes",
    ],
    "constants": [
      null,
    ],
  },
  "inode.withTrash": {
    "sql":
      'select "item"."value" as "node_id" from json_each(?) as "item" where exists (select 1 as "one" from "edge" where "from_id" = "item"."value" and "archived" = 1)',
    "names": [
      "nodes",
    ],
    "constants": [
      null,
    ],
  },
  "inode_at.inodeByNameAt": {
    "sql":
      'select "n"."node_id", "n"."type", "d"."kind", "d"."major", "d"."minor", "n"."mode", CASE WHEN "n"."mode" IS NULL AND json_valid("n"."metadata", 8)\n    THEN json_extract("n"."metadata", \'$.mode\') END as "metadata_mode", "n"."uid", "n"."gid", coalesce(n.atime, n.modified_at, n.created_at) / 1000000000 as "atime_s", coalesce(n.atime, n.modified_at, n.created_at) % 1000000000 as "atime_ns", coalesce(n.modified_at, n.created_at) / 1000000000 as "mtime_s", coalesce(n.modified_at, n.created_at) % 1000000000 as "mtime_ns", coalesce(n.ctime, n.modified_at, n.created_at) / 1000000000 as "ctime_s", coalesce(n.ctime, n.modified_at, n.created_at) % 1000000000 as "ctime_ns", "c"."size", "s"."size" as "true_size", "c"."version", "c"."retention_keep", case when "n"."type" != \'container\' then (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) when (exists (select 1 as "one" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) or exists (select 1 as "one" from "volume" as "lv" where "lv"."volume_id" = "n"."volume_id" and "lv"."root_node_id" = "n"."node_id")) then (select 2 + count(*) as "count" from "aloe_subdir" as "sd" where "sd"."parent_id" = "n"."node_id") else 0 end as "links", "h"."chunks" as "holes", "e"."edge_id" from (select "edge_id", "to_id" from "edge" where "from_id" = ? and "name" = ? and "archived" = 0 and ("edge_id" || \'\') < ? union all select "edge"."edge_id", "edge"."to_id" from "edge" inner join "aloe_removed" as "r" on "r"."edge_id" = "edge"."edge_id" where "from_id" = ? and "name" = ? and "archived" = 1 and ("edge"."edge_id" || \'\') < ? and "r"."removed_at" > ?) as "e" cross join "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "aloe_size" as "s" on "s"."node_id" = "n"."node_id" and "s"."version" = "c"."version" left join "aloe_hole" as "h" on "h"."node_id" = "n"."node_id" and "h"."version" = "c"."version" left join "aloe_device" as "d" on "d"."node_id" = "n"."node_id" where "n"."node_id" = "e"."to_id" and "n"."volume_id" = ? order by "e"."to_id" desc limit 1',
    "names": [
      "parent",
      "name",
      "before",
      "parent",
      "name",
      "before",
      "at",
      "volume",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "inode_at.inodesAtAfter": {
    "sql":
      'select "n"."node_id", "n"."type", "d"."kind", "d"."major", "d"."minor", "n"."mode", CASE WHEN "n"."mode" IS NULL AND json_valid("n"."metadata", 8)\n    THEN json_extract("n"."metadata", \'$.mode\') END as "metadata_mode", "n"."uid", "n"."gid", coalesce(n.atime, n.modified_at, n.created_at) / 1000000000 as "atime_s", coalesce(n.atime, n.modified_at, n.created_at) % 1000000000 as "atime_ns", coalesce(n.modified_at, n.created_at) / 1000000000 as "mtime_s", coalesce(n.modified_at, n.created_at) % 1000000000 as "mtime_ns", coalesce(n.ctime, n.modified_at, n.created_at) / 1000000000 as "ctime_s", coalesce(n.ctime, n.modified_at, n.created_at) % 1000000000 as "ctime_ns", "c"."size", "s"."size" as "true_size", "c"."version", "c"."retention_keep", case when "n"."type" != \'container\' then (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) when (exists (select 1 as "one" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) or exists (select 1 as "one" from "volume" as "lv" where "lv"."volume_id" = "n"."volume_id" and "lv"."root_node_id" = "n"."node_id")) then (select 2 + count(*) as "count" from "aloe_subdir" as "sd" where "sd"."parent_id" = "n"."node_id") else 0 end as "links", "h"."chunks" as "holes", "e"."edge_id", "e"."name", (exists (select 1 as "one" from "edge" as "o" where "o"."from_id" = "e"."from_id" and "o"."name" = "e"."name" and "o"."to_id" > "e"."to_id" and "o"."archived" = 0 and "o"."edge_id" < ?) or exists (select 1 as "one" from "edge" as "o" inner join "aloe_removed" as "w" on "w"."edge_id" = "o"."edge_id" where "o"."from_id" = "e"."from_id" and "o"."name" = "e"."name" and "o"."to_id" > "e"."to_id" and "o"."archived" = 1 and "o"."edge_id" < ? and "w"."removed_at" > ?)) as "hidden" from "edge" as "e" cross join "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "aloe_size" as "s" on "s"."node_id" = "n"."node_id" and "s"."version" = "c"."version" left join "aloe_hole" as "h" on "h"."node_id" = "n"."node_id" and "h"."version" = "c"."version" left join "aloe_device" as "d" on "d"."node_id" = "n"."node_id" where "n"."node_id" = "e"."to_id" and "e"."from_id" = ? and "e"."edge_id" > ? and "e"."edge_id" < ? and ("e"."archived" = 0 or exists (select 1 as "one" from "aloe_removed" as "r" where "r"."edge_id" = "e"."edge_id" and "r"."removed_at" > ?)) and "n"."volume_id" = ? order by "e"."edge_id" limit ?',
    "names": [
      "before",
      "before",
      "at",
      "parent",
      "after",
      "before",
      "at",
      "volume",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "inode_at.linksAt": {
    "sql":
      'select count(*) as "links" from "edge" as "e" where "e"."to_id" = ? and "e"."edge_id" < ? and ("e"."archived" = 0 or exists (select 1 as "one" from "aloe_removed" as "r" where "r"."edge_id" = "e"."edge_id" and "r"."removed_at" > ?))',
    "names": [
      "node",
      "before",
      "at",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "inode_at.oldestVersion": {
    "sql":
      'select "v"."version", exists (select 1 as "one" from "aloe_version" as "a" where "a"."content_id" = "v"."content_id" and "a"."version" = "v"."version") as "noted" from "content_version" as "v" where "v"."content_id" = ? order by "v"."version" limit 1',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "inode_at.versionAt": {
    "sql":
      'select "a"."version", a.committed_at / 1000000000 as "committed_s", a.committed_at % 1000000000 as "committed_ns" from "aloe_version" as "a" where "a"."content_id" = ? and "a"."version" <= ? and "a"."committed_at" <= ? and ("a"."version" = ? or "a"."size" = 0 or exists (select 1 as "one" from "content_version" as "v" where "v"."content_id" = "a"."content_id" and "v"."version" = "a"."version")) order by "a"."version" desc limit 1',
    "names": [
      "node",
      "version",
      "at",
      "version",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "inode_at.versionEnd": {
    "sql":
      'select v.chunk_index * vol.chunk_size + k.length as "size" from "content_version" as "v" inner join "content_chunk" as "k" on "k"."chunk_hash" = "v"."chunk_hash" inner join "node" as "n" on "n"."node_id" = "v"."content_id" inner join "volume" as "vol" on "vol"."volume_id" = "n"."volume_id" where "v"."content_id" = ? and "v"."version" = ? order by "v"."chunk_index" desc limit 1',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "listing.childrenAfter": {
    "sql":
      'select "e"."edge_id" as "place", "e"."edge_id", "e"."to_id", "e"."name", "n"."type", exists (select 1 as "one" from "edge" as "o" where "o"."from_id" = "e"."from_id" and "o"."name" = "e"."name" and "o"."to_id" > "e"."to_id" and "o"."archived" = 0) as "hidden" from "edge" as "e" cross join "node" as "n" where "n"."node_id" = "e"."to_id" and "e"."from_id" = ? and "e"."archived" = 0 and "e"."edge_id" > ? and "e"."edge_id" <= ? order by "e"."edge_id" limit ?',
    "names": [
      "parent",
      "after",
      "until",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "listing.childrenThen": {
    "sql":
      'select "w"."place", "e"."edge_id", "e"."to_id", "e"."name", "n"."type", exists (select 1 as "one" from "edge" as "o" where "o"."from_id" = "e"."from_id" and "o"."name" = "e"."name" and "o"."to_id" > "e"."to_id" and "o"."archived" = 0) as "hidden" from (\n    SELECT place, edge_id FROM (\n      SELECT o.edge_id AS place, CASE WHEN o.archived = 0 THEN o.edge_id\n        ELSE coalesce((SELECT edge_id FROM (\n      SELECT f.edge_id, row_number() OVER (ORDER BY f.edge_id DESC) AS number FROM edge AS f\n      WHERE f.to_id = o.to_id AND +f.from_id = o.from_id AND f.archived = 0\n        AND +f.edge_id > ?)\n    WHERE number = 1 + (\n      SELECT count(*) FROM edge AS l WHERE l.to_id = o.to_id AND +l.from_id = o.from_id\n        AND l.archived = 1 AND +l.edge_id <= ? AND (coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = "l"."edge_id"), 0), "l"."edge_id") > (coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = "o"."edge_id"), 0), "o"."edge_id"))), (SELECT f.edge_id FROM edge AS f\n    WHERE f.from_id = o.from_id AND f.name = o.name AND f.archived = 0 AND +f.edge_id > ?\n      AND NOT EXISTS (SELECT 1 FROM edge AS b WHERE b.to_id = f.to_id\n        AND +b.from_id = f.from_id AND b.archived = 1 AND +b.edge_id <= ?)\n      AND NOT EXISTS (SELECT 1 FROM edge AS l WHERE l.from_id = o.from_id AND l.name = o.name\n        AND l.archived = 1 AND +l.edge_id <= ? AND (coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = "l"."edge_id"), 0), "l"."edge_id") > (coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = "o"."edge_id"), 0), "o"."edge_id"))\n    ORDER BY f.edge_id DESC LIMIT 1)) END AS edge_id\n      FROM edge AS o\n      WHERE o.from_id = ? AND o.edge_id > ? AND o.edge_id <= ?)\n    WHERE edge_id IS NOT NULL ORDER BY place LIMIT ?) as "w" cross join "edge" as "e" cross join "node" as "n" where "e"."edge_id" = "w"."edge_id" and "n"."node_id" = "e"."to_id" order by "w"."place"',
    "names": [
      "until",
      "until",
      "until",
      "until",
      "until",
      "parent",
      "after",
      "until",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "listing.contentTimes": {
    "sql":
      'select "n"."created_at", "n"."modified_at", "a"."committed_at" from "node" as "n" left join "aloe_version" as "a" on "a"."content_id" = "n"."node_id" and "a"."version" = ? where "n"."node_id" = ?',
    "names": [
      "version",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "listing.detailsAfter": {
    "sql":
      'select "e"."edge_id" as "place", "e"."edge_id", "e"."name", "e"."to_id", "n"."type", exists (select 1 as "one" from "edge" as "o" where "o"."from_id" = "e"."from_id" and "o"."name" = "e"."name" and "o"."to_id" > "e"."to_id" and "o"."archived" = 0) as "hidden", "c"."size", "c"."version", "n"."mode", CASE WHEN "n"."mode" IS NULL AND json_valid("n"."metadata", 8)\n    THEN json_extract("n"."metadata", \'$.mode\') END as "metadata_mode", n.created_at / 1000000000 as "created_sec", n.created_at % 1000000000 as "created_nsec", coalesce(n.modified_at, n.created_at) / 1000000000 as "modified_sec", coalesce(n.modified_at, n.created_at) % 1000000000 as "modified_nsec", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag", "d"."kind", "d"."major", "d"."minor" from "edge" as "e" cross join "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "v" on "n"."type" = \'symlink\' and "v"."content_id" = "c"."node_id" and "v"."version" = "c"."version" and "v"."chunk_index" = 0 left join "content_chunk" as "k" on "k"."chunk_hash" = "v"."chunk_hash" and "c"."size" <= 4096 and length("k"."data") <= 4096 left join "aloe_device" as "d" on "d"."node_id" = "n"."node_id" where "n"."node_id" = "e"."to_id" and "e"."from_id" = ? and "e"."archived" = 0 and "e"."edge_id" > ? and "e"."edge_id" <= ? order by "e"."edge_id" limit ?',
    "names": [
      "parent",
      "after",
      "until",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "listing.detailsThen": {
    "sql":
      'select "w"."place", "e"."edge_id", "e"."name", "e"."to_id", "n"."type", exists (select 1 as "one" from "edge" as "o" where "o"."from_id" = "e"."from_id" and "o"."name" = "e"."name" and "o"."to_id" > "e"."to_id" and "o"."archived" = 0) as "hidden", "c"."size", "c"."version", "n"."mode", CASE WHEN "n"."mode" IS NULL AND json_valid("n"."metadata", 8)\n    THEN json_extract("n"."metadata", \'$.mode\') END as "metadata_mode", n.created_at / 1000000000 as "created_sec", n.created_at % 1000000000 as "created_nsec", coalesce(n.modified_at, n.created_at) / 1000000000 as "modified_sec", coalesce(n.modified_at, n.created_at) % 1000000000 as "modified_nsec", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag", "d"."kind", "d"."major", "d"."minor" from (\n    SELECT place, edge_id FROM (\n      SELECT o.edge_id AS place, CASE WHEN o.archived = 0 THEN o.edge_id\n        ELSE coalesce((SELECT edge_id FROM (\n      SELECT f.edge_id, row_number() OVER (ORDER BY f.edge_id DESC) AS number FROM edge AS f\n      WHERE f.to_id = o.to_id AND +f.from_id = o.from_id AND f.archived = 0\n        AND +f.edge_id > ?)\n    WHERE number = 1 + (\n      SELECT count(*) FROM edge AS l WHERE l.to_id = o.to_id AND +l.from_id = o.from_id\n        AND l.archived = 1 AND +l.edge_id <= ? AND (coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = "l"."edge_id"), 0), "l"."edge_id") > (coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = "o"."edge_id"), 0), "o"."edge_id"))), (SELECT f.edge_id FROM edge AS f\n    WHERE f.from_id = o.from_id AND f.name = o.name AND f.archived = 0 AND +f.edge_id > ?\n      AND NOT EXISTS (SELECT 1 FROM edge AS b WHERE b.to_id = f.to_id\n        AND +b.from_id = f.from_id AND b.archived = 1 AND +b.edge_id <= ?)\n      AND NOT EXISTS (SELECT 1 FROM edge AS l WHERE l.from_id = o.from_id AND l.name = o.name\n        AND l.archived = 1 AND +l.edge_id <= ? AND (coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = "l"."edge_id"), 0), "l"."edge_id") > (coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = "o"."edge_id"), 0), "o"."edge_id"))\n    ORDER BY f.edge_id DESC LIMIT 1)) END AS edge_id\n      FROM edge AS o\n      WHERE o.from_id = ? AND o.edge_id > ? AND o.edge_id <= ?)\n    WHERE edge_id IS NOT NULL ORDER BY place LIMIT ?) as "w" cross join "edge" as "e" cross join "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "v" on "n"."type" = \'symlink\' and "v"."content_id" = "c"."node_id" and "v"."version" = "c"."version" and "v"."chunk_index" = 0 left join "content_chunk" as "k" on "k"."chunk_hash" = "v"."chunk_hash" and "c"."size" <= 4096 and length("k"."data") <= 4096 left join "aloe_device" as "d" on "d"."node_id" = "n"."node_id" where "e"."edge_id" = "w"."edge_id" and "n"."node_id" = "e"."to_id" order by "w"."place"',
    "names": [
      "until",
      "until",
      "until",
      "until",
      "until",
      "parent",
      "after",
      "until",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "listing.hasNewerChild": {
    "sql":
      'select "edge_id" from "edge" where "from_id" = ? and "edge_id" > ? and "archived" = 0 limit 1',
    "names": [
      "parent",
      "until",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "listing.joinedHashes": {
    "sql":
      'select group_concat(h.chunk_hash, \'\') as "hashes" from (select "chunk_hash" from "content_version" where "content_id" = ? and "version" = ? and "chunk_index" >= ? and "chunk_index" <= ? order by "chunk_index") as "h"',
    "names": [
      "node",
      "version",
      "first",
      "last",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "listing.newestOfAll": {
    "sql": 'select "edge_id" from "edge" order by "edge_id" desc limit 1',
    "names": [],
    "constants": [],
  },
  "listing.newestPlacement": {
    "sql": 'select "edge_id" from "edge" where "from_id" = ? order by "edge_id" desc limit 1',
    "names": [
      "parent",
    ],
    "constants": [
      null,
    ],
  },
  "listing.placementsAfter": {
    "sql":
      'select "edge_id", "from_id", "to_id", "name", "volume_id", "archived" from "edge" where "edge_id" > ? and "edge_id" <= ? order by "edge_id" limit ?',
    "names": [
      "after",
      "until",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "listing.placementsThen": {
    "sql":
      'select "w"."place", "e"."from_id", "e"."to_id", "e"."name", "e"."volume_id", "e"."archived" from (\n      SELECT o.edge_id AS place,\n        CASE WHEN o.archived = 0 THEN o.edge_id\n          ELSE coalesce((SELECT edge_id FROM (\n      SELECT f.edge_id, row_number() OVER (ORDER BY f.edge_id DESC) AS number FROM edge AS f\n      WHERE f.to_id = o.to_id AND f.archived = 0 AND +f.edge_id > ?)\n    WHERE number = 1 + (\n      SELECT count(*) FROM edge AS l WHERE l.to_id = o.to_id\n        AND l.archived = 1 AND +l.edge_id <= ? AND (coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = "l"."edge_id"), 0), "l"."edge_id") > (coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = "o"."edge_id"), 0), "o"."edge_id"))), o.edge_id) END AS edge_id\n      FROM edge AS o WHERE o.edge_id > ? AND o.edge_id <= ?\n      ORDER BY place LIMIT ?) as "w" cross join "edge" as "e" where "e"."edge_id" = "w"."edge_id" order by "w"."place"',
    "names": [
      "until",
      "until",
      "after",
      "until",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "listing.poolReferences": {
    "sql":
      'select "k"."chunk_hash", length(k.data) as "bytes", (select count(*) as "n" from "content_version" as "v" cross join "node" as "n" where "v"."chunk_hash" = "k"."chunk_hash" and "n"."node_id" = "v"."content_id" and "n"."volume_id" = ?) as "refs" from "content_chunk" as "k" where "k"."chunk_hash" > ? order by "k"."chunk_hash" limit ?',
    "names": [
      "volume",
      "after",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "listing.volumeNodes": {
    "sql":
      'select "n"."node_id", "n"."type", "c"."size", exists (select 1 as "one" from "edge" as "a" where "a"."to_id" = "n"."node_id" and "a"."archived" = 0) as "placed", exists (select 1 as "one" from "edge" as "r" where "r"."to_id" = "n"."node_id" and "r"."archived" = 1) as "removed" from "node" as "n" left join "content" as "c" on "c"."node_id" = "n"."node_id" where "n"."node_id" > ? and "n"."volume_id" = ? order by "n"."node_id" limit ?',
    "names": [
      "after",
      "volume",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "lock.deleteEndedLocks": {
    "sql":
      'delete from "lock" where "lock_id" not in (select "lock"."lock_id" from "lock" inner join "mount" on "mount"."mount_id" = "lock"."mount_id" where (("mount"."state" != \'unmounted\' and ("mount"."expires_at" is null or "mount"."expires_at" > ?)) and ("lock"."expires_at" is null or "lock"."expires_at" > ?)))',
    "names": [
      "now",
      "now",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "lock.deleteLock": {
    "sql": 'delete from "lock" where "lock_id" = ?',
    "names": [
      "lock",
    ],
    "constants": [
      null,
    ],
  },
  "lock.deleteMountLocks": {
    "sql": 'delete from "lock" where "mount_id" = ?',
    "names": [
      "mount",
    ],
    "constants": [
      null,
    ],
  },
  "lock.getLock": {
    "sql":
      'select "lock"."lock_id", "lock"."mount_id", "lock"."node_id", "lock"."expires_at" from "lock" inner join "mount" on "mount"."mount_id" = "lock"."mount_id" where "lock"."lock_id" = ? and "lock"."mount_id" = ? and (("mount"."state" != \'unmounted\' and ("mount"."expires_at" is null or "mount"."expires_at" > ?)) and ("lock"."expires_at" is null or "lock"."expires_at" > ?))',
    "names": [
      "lock",
      "mount",
      "now",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "lock.insertLock": {
    "sql":
      'insert into "lock" ("lock_id", "mount_id", "node_id", "expires_at", "created_at") values (?, ?, ?, ?, ?)',
    "names": [
      "lock",
      "mount",
      "node",
      "expiresAt",
      "createdAt",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "lock.locksOfNode": {
    "sql":
      'select "lock"."lock_id", "lock"."mount_id" from "lock" inner join "mount" on "mount"."mount_id" = "lock"."mount_id" where "lock"."node_id" = ? and (("mount"."state" != \'unmounted\' and ("mount"."expires_at" is null or "mount"."expires_at" > ?)) and ("lock"."expires_at" is null or "lock"."expires_at" > ?))',
    "names": [
      "node",
      "now",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "lock.setLockExpiry": {
    "sql": 'update "lock" set "expires_at" = ? where "lock_id" = ?',
    "names": [
      "expiresAt",
      "lock",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "maintenance.anomalies": {
    "sql":
      'select \'edge_volume_mismatch\' as "kind", "e"."edge_id" as "id" from "edge" as "e" inner join "node" as "f" on "f"."node_id" = "e"."from_id" inner join "node" as "t" on "t"."node_id" = "e"."to_id" where ("f"."volume_id" != "e"."volume_id" or "t"."volume_id" != "e"."volume_id") union all select \'edge_without_node\' as "kind", "e"."edge_id" as "id" from "edge" as "e" left join "node" as "f" on "f"."node_id" = "e"."from_id" left join "node" as "t" on "t"."node_id" = "e"."to_id" where ("f"."node_id" is null or "t"."node_id" is null) union all select \'edge_from_non_container\' as "kind", "e"."edge_id" as "id" from "edge" as "e" inner join "node" as "f" on "f"."node_id" = "e"."from_id" where "f"."type" != \'container\' and "e"."archived" = 0 union all select \'edge_without_name\' as "kind", "e"."edge_id" as "id" from "edge" as "e" where "e"."name" is null union all select \'name_not_allowed\' as "kind", "e"."edge_id" as "id" from "edge" as "e" where "e"."name" is not null and (typeof("e"."name") <> \'text\' OR "e"."name" = \'\' OR instr("e"."name", \'/\') > 0\n    OR instr(CAST("e"."name" AS BLOB), x\'00\') > 0) union all select \'node_without_volume\' as "kind", "n"."node_id" as "id" from "node" as "n" where "n"."volume_id" is null and exists (select 1 as "one" from "edge" as "e" where "e"."to_id" = "n"."node_id") union all select \'container_with_two_placements\' as "kind", "n"."node_id" as "id" from "node" as "n" inner join "edge" as "e" on "e"."to_id" = "n"."node_id" and "e"."archived" = 0 where "n"."type" = \'container\' group by "n"."node_id" having count(*) > 1 union all select \'entry_without_content\' as "kind", "n"."node_id" as "id" from "node" as "n" where "n"."type" = \'entry\' and not exists (select 1 as "one" from "content" as "c" where "c"."node_id" = "n"."node_id") union all select \'volume_without_root\' as "kind", "v"."volume_id" as "id" from "volume" as "v" left join "node" as "n" on "n"."node_id" = "v"."root_node_id" where "n"."node_id" is null union all select \'root_with_placement\' as "kind", "e"."to_id" as "id" from "edge" as "e" inner join "volume" as "v" on "v"."root_node_id" = "e"."to_id" where "e"."archived" = 0',
    "names": [],
    "constants": [],
  },
  "maintenance.chunkUses": {
    "sql":
      'select "k"."chunk_hash", min(k.bytes) as "bytes", count(v.content_id) as "references", min(CASE\n          WHEN v.content_id IS NULL THEN 4\n          WHEN v.version > c.version THEN 3\n          WHEN EXISTS (SELECT 1 FROM edge AS e WHERE e.to_id = v.content_id AND e.archived = 0)\n            THEN CASE WHEN v.version = c.version THEN 0 ELSE 1 END\n          WHEN EXISTS (SELECT 1 FROM edge AS e WHERE e.to_id = v.content_id) THEN 2\n          ELSE 3 END) as "use" from (select "chunk_hash", length("data") as "bytes" from "content_chunk" where "chunk_hash" > ? order by "chunk_hash" limit ?) as "k" left join "content_version" as "v" on "v"."chunk_hash" = "k"."chunk_hash" left join "content" as "c" on "c"."node_id" = "v"."content_id" group by "k"."chunk_hash" order by "k"."chunk_hash"',
    "names": [
      "after",
      "limit",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "maintenance.counts": {
    "sql":
      'select (select count(*) as "n" from "volume") as "volumes", (select count(*) as "n" from "mount" where ("mount"."state" != \'unmounted\' and ("mount"."expires_at" is null or "mount"."expires_at" > ?))) as "mounts", (select count(*) as "n" from "node") as "nodes", (select count(*) as "n" from "content_chunk") as "chunks", (select sum(length("data")) as "n" from "content_chunk") as "chunk_bytes", (select CAST(sum(CAST("size" AS REAL)) AS INTEGER) as "n" from "content") as "content_bytes"',
    "names": [
      "now",
    ],
    "constants": [
      null,
    ],
  },
  "maintenance.entriesAfter": {
    "sql":
      'select "n"."node_id", "n"."name", "c"."version", "c"."size" from "node" as "n" inner join "content" as "c" on "c"."node_id" = "n"."node_id" where "n"."volume_id" = ? and "n"."node_id" > ? order by "n"."node_id" limit ?',
    "names": [
      "volume",
      "after",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "maintenance.impossibleCells": {
    "sql":
      "select \"c\".\"cell\", CAST(c.id AS TEXT) as \"id\" from (SELECT 'node.created_at' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE typeof(t.created_at) NOT IN ('integer', 'null') UNION ALL SELECT 'node.modified_at' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE typeof(t.modified_at) NOT IN ('integer', 'null') UNION ALL SELECT 'node.atime' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE typeof(t.atime) NOT IN ('integer', 'null') UNION ALL SELECT 'node.ctime' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE typeof(t.ctime) NOT IN ('integer', 'null') UNION ALL SELECT 'node.created_at' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE t.created_at IS NULL UNION ALL SELECT 'node.type' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE t.type IS NULL OR t.type NOT IN ('container', 'entry', 'symlink', 'fifo', 'socket') UNION ALL SELECT 'node.name' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE typeof(t.name) != 'text' UNION ALL SELECT 'node.node_id' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE length(t.node_id) != 36 UNION ALL SELECT 'node.volume_id' AS cell, t.node_id AS id, NULL AS volume\n        FROM node AS t WHERE t.volume_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM volume AS o WHERE o.volume_id = t.volume_id) UNION ALL SELECT 'node.metadata' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE t.metadata IS NOT NULL AND (typeof(t.metadata) != 'blob' OR NOT json_valid(t.metadata, 8)) UNION ALL SELECT 'node.uid' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE t.uid IS NOT NULL AND (typeof(t.uid) != 'integer' OR t.uid < 0 OR t.uid > 4294967295) UNION ALL SELECT 'node.gid' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE t.gid IS NOT NULL AND (typeof(t.gid) != 'integer' OR t.gid < 0 OR t.gid > 4294967295) UNION ALL SELECT 'node.mode' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE t.mode IS NOT NULL AND (typeof(t.mode) != 'integer' OR t.mode < 0 OR t.mode > 4095) UNION ALL SELECT 'content.version' AS cell, t.node_id AS id, (SELECT n.volume_id FROM node AS n WHERE n.node_id = t.node_id) AS volume\n        FROM content AS t WHERE (typeof(t.version) != 'integer' OR t.version < 0 OR t.version > 4503599627370496) UNION ALL SELECT 'content.size' AS cell, t.node_id AS id, (SELECT n.volume_id FROM node AS n WHERE n.node_id = t.node_id) AS volume\n        FROM content AS t WHERE (typeof(t.size) != 'integer' OR t.size < 0 OR t.size > 4503599627370496) UNION ALL SELECT 'content.node_id' AS cell, t.node_id AS id, NULL AS volume\n        FROM content AS t WHERE NOT EXISTS (SELECT 1 FROM node AS o WHERE o.node_id = t.node_id) UNION ALL SELECT 'content.retention_keep' AS cell, t.node_id AS id, (SELECT n.volume_id FROM node AS n WHERE n.node_id = t.node_id) AS volume\n        FROM content AS t WHERE t.retention_keep IS NOT NULL AND (typeof(t.retention_keep) != 'integer' OR t.retention_keep < 1) UNION ALL SELECT 'content_version.version' AS cell, t.content_id AS id, (SELECT n.volume_id FROM node AS n WHERE n.node_id = t.content_id) AS volume\n        FROM content_version AS t WHERE (typeof(t.version) != 'integer' OR t.version < 0 OR t.version > 4503599627370496) UNION ALL SELECT 'content_version.chunk_index' AS cell, t.content_id AS id, (SELECT n.volume_id FROM node AS n WHERE n.node_id = t.content_id) AS volume\n        FROM content_version AS t WHERE (typeof(t.chunk_index) != 'integer' OR t.chunk_index < 0 OR t.chunk_index > 16777215) UNION ALL SELECT 'content_version.content_id' AS cell, t.content_id AS id, (SELECT n.volume_id FROM node AS n WHERE n.node_id = t.content_id) AS volume\n        FROM content_version AS t WHERE NOT EXISTS (SELECT 1 FROM content AS o WHERE o.node_id = t.content_id) UNION ALL SELECT 'content_version.chunk_hash' AS cell, t.content_id AS id, (SELECT n.volume_id FROM node AS n WHERE n.node_id = t.content_id) AS volume\n        FROM content_version AS t WHERE t.chunk_hash IS NULL OR NOT EXISTS (SELECT 1 FROM content_chunk AS o WHERE o.chunk_hash = t.chunk_hash) UNION ALL SELECT 'content_chunk.length' AS cell, t.chunk_hash AS id, NULL AS volume\n        FROM content_chunk AS t WHERE (typeof(t.length) != 'integer' OR t.length < 0 OR t.length > 4503599627370496) OR t.length != length(t.data) UNION ALL SELECT 'content_chunk.data' AS cell, t.chunk_hash AS id, NULL AS volume\n        FROM content_chunk AS t WHERE (typeof(t.data) != 'blob') UNION ALL SELECT 'content_chunk.N_c' AS cell, t.chunk_hash AS id, NULL AS volume\n        FROM content_chunk AS t WHERE (typeof(t.N_c) != 'blob' OR length(t.N_c) NOT IN (0, 12)) UNION ALL SELECT 'content_chunk.enc_tag' AS cell, t.chunk_hash AS id, NULL AS volume\n        FROM content_chunk AS t WHERE (typeof(t.enc_tag) != 'blob' OR length(t.enc_tag) NOT IN (0, 16)) UNION ALL SELECT 'edge.archived' AS cell, t.edge_id AS id, t.volume_id AS volume\n        FROM edge AS t WHERE typeof(t.archived) != 'integer' OR t.archived NOT IN (0, 1) UNION ALL SELECT 'edge.name' AS cell, t.edge_id AS id, t.volume_id AS volume\n        FROM edge AS t WHERE t.name IS NOT NULL AND typeof(t.name) != 'text' UNION ALL SELECT 'edge.volume_id' AS cell, t.edge_id AS id, NULL AS volume\n        FROM edge AS t WHERE t.volume_id IS NULL OR NOT EXISTS (SELECT 1 FROM volume AS o WHERE o.volume_id = t.volume_id) UNION ALL SELECT 'edge.from_id' AS cell, t.edge_id AS id, t.volume_id AS volume\n        FROM edge AS t WHERE NOT EXISTS (SELECT 1 FROM node AS o WHERE o.node_id = t.from_id) UNION ALL SELECT 'edge.to_id' AS cell, t.edge_id AS id, t.volume_id AS volume\n        FROM edge AS t WHERE NOT EXISTS (SELECT 1 FROM node AS o WHERE o.node_id = t.to_id) UNION ALL SELECT 'volume.root_node_id' AS cell, t.volume_id AS id, t.volume_id AS volume\n        FROM volume AS t WHERE t.root_node_id IS NULL OR NOT EXISTS (SELECT 1 FROM node AS o WHERE o.node_id = t.root_node_id) UNION ALL SELECT 'volume.chunk_size' AS cell, t.volume_id AS id, t.volume_id AS volume\n        FROM volume AS t WHERE (typeof(t.chunk_size) != 'integer' OR t.chunk_size < 0 OR t.chunk_size > 1073741824) OR t.chunk_size = 0 UNION ALL SELECT 'volume.enc_mode' AS cell, t.volume_id AS id, t.volume_id AS volume\n        FROM volume AS t WHERE t.enc_mode IS NULL OR t.enc_mode NOT IN ('none', 'convergent', 'random') UNION ALL SELECT 'volume.created_at' AS cell, t.volume_id AS id, t.volume_id AS volume\n        FROM volume AS t WHERE typeof(t.created_at) != 'integer' UNION ALL SELECT 'volume.wrapped_key' AS cell, t.volume_id AS id, t.volume_id AS volume\n        FROM volume AS t WHERE (t.enc_mode != 'none') != (t.wrapped_key IS NOT NULL) UNION ALL SELECT 'edge.name' AS cell, t.edge_id AS id, t.volume_id AS volume\n        FROM edge AS t WHERE octet_length(t.name) > 65536 UNION ALL SELECT 'node.name' AS cell, t.node_id AS id, t.volume_id AS volume\n        FROM node AS t WHERE octet_length(t.name) > 65536 UNION ALL SELECT 'volume.name' AS cell, t.volume_id AS id, t.volume_id AS volume\n        FROM volume AS t WHERE octet_length(t.name) > 65536 UNION ALL SELECT 'volume.wrapped_key' AS cell, t.volume_id AS id, t.volume_id AS volume\n        FROM volume AS t WHERE octet_length(t.wrapped_key) > 1024 OR octet_length(t.wrap_nonce) > 1024 UNION ALL SELECT 'mount.mount_point' AS cell, t.mount_id AS id, t.volume_id AS volume\n        FROM mount AS t WHERE octet_length(t.mount_point) > 65536 UNION ALL SELECT 'mount.principal' AS cell, t.mount_id AS id, t.volume_id AS volume\n        FROM mount AS t WHERE octet_length(t.principal) > 65536 UNION ALL SELECT 'mount.N_m' AS cell, t.mount_id AS id, t.volume_id AS volume\n        FROM mount AS t WHERE octet_length(t.N_m) > 1024 UNION ALL SELECT 'xattr.name' AS cell, t.node_id AS id, (SELECT n.volume_id FROM node AS n WHERE n.node_id = t.node_id) AS volume\n        FROM xattr AS t WHERE octet_length(t.name) > 65536 UNION ALL SELECT 'xattr.value' AS cell, t.node_id AS id, (SELECT n.volume_id FROM node AS n WHERE n.node_id = t.node_id) AS volume\n        FROM xattr AS t WHERE (typeof(t.value) != 'blob') UNION ALL SELECT 'xattr.name' AS cell, t.node_id AS id, (SELECT n.volume_id FROM node AS n WHERE n.node_id = t.node_id) AS volume\n        FROM xattr AS t WHERE typeof(t.name) != 'text' UNION ALL SELECT 'xattr.node_id' AS cell, t.node_id AS id, NULL AS volume\n        FROM xattr AS t WHERE NOT EXISTS (SELECT 1 FROM node AS o WHERE o.node_id = t.node_id)) as \"c\" where (? is null or \"c\".\"volume\" = ?)",
    "names": [
      "volume",
      "volume",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "maintenance.isInDirectoryOf": {
    "sql":
      'select 1 as "one" from "edge" as "e" inner join "node" as "d" on "d"."node_id" = "e"."from_id" where "d"."volume_id" = ? and ("e"."edge_id" = ? or "e"."to_id" = ?) limit 1',
    "names": [
      "volume",
      "id",
      "id",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "maintenance.largestChunk": {
    "sql": 'select max(length("data")) as "bytes" from "content_chunk"',
    "names": [],
    "constants": [],
  },
  "maintenance.namesNotAllowed": {
    "sql":
      'select "e"."edge_id", "e"."to_id", "e"."name" from "edge" as "e" where "e"."volume_id" = ? and ("e"."name" is null or (typeof("e"."name") <> \'text\' OR "e"."name" = \'\' OR instr("e"."name", \'/\') > 0\n    OR instr(CAST("e"."name" AS BLOB), x\'00\') > 0)) order by "e"."edge_id"',
    "names": [
      "volume",
    ],
    "constants": [
      null,
    ],
  },
  "maintenance.unreachable": {
    "sql":
      'with recursive "live" as (select "root_node_id" as "node_id" from "volume" where "root_node_id" is not null union select "e"."to_id" as "node_id" from "live" inner join "edge" as "e" on "e"."from_id" = "live"."node_id" and "e"."archived" = 0) select "e"."to_id" as "id", "e"."from_id" from "edge" as "e" inner join "node" as "n" on "n"."node_id" = "e"."to_id" where "e"."archived" = 0 and "n"."type" = \'container\' and not exists (select 1 as "one" from "live" where "live"."node_id" = "e"."to_id")',
    "names": [],
    "constants": [],
  },
  "maintenance.volumeOfNode": {
    "sql": 'select "volume_id" from "node" where "node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "mount.countMounts": {
    "sql":
      'select count(*) as "count" from "mount" where "volume_id" = ? and ("mount"."state" != \'unmounted\' and ("mount"."expires_at" is null or "mount"."expires_at" > ?))',
    "names": [
      "volume",
      "now",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "mount.deleteEndedMounts": {
    "sql":
      'delete from "mount" where not ("mount"."state" != \'unmounted\' and ("mount"."expires_at" is null or "mount"."expires_at" > ?)) and ("volume_id" = ? or ? is null)',
    "names": [
      "now",
      "volume",
      "volume",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "mount.endMount": {
    "sql": 'update "mount" set "state" = \'unmounted\' where "mount_id" = ?',
    "names": [
      "mount",
    ],
    "constants": [
      null,
    ],
  },
  "mount.getMount": {
    "sql":
      'select "mount_id", "volume_id", "mount_point", "state", "expires_at", "created_at", "N_m", "access", "principal" from "mount" where "mount_id" = ?',
    "names": [
      "mount",
    ],
    "constants": [
      null,
    ],
  },
  "mount.insertMount": {
    "sql":
      'insert into "mount" ("mount_id", "volume_id", "mount_point", "state", "expires_at", "created_at", "N_m", "access", "principal") values (?, ?, ?, \'active\', ?, ?, ?, ?, ?)',
    "names": [
      "mount",
      "volume",
      "mountPoint",
      "expiresAt",
      "createdAt",
      "nonce",
      "access",
      "principal",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "mount.listMounts": {
    "sql":
      'select "mount_id", "volume_id", "mount_point", "state", "expires_at", "created_at", "N_m", "access", "principal" from "mount" order by "created_at", "mount_id"',
    "names": [],
    "constants": [],
  },
  "mount.setMountExpiry": {
    "sql": 'update "mount" set "expires_at" = ? where "mount_id" = ?',
    "names": [
      "expiresAt",
      "mount",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "mount.writableMounts": {
    "sql":
      'select "mount_id", "mount_point" from "mount" where "volume_id" = ? and "access" = \'rw\' and ("mount"."state" != \'unmounted\' and ("mount"."expires_at" is null or "mount"."expires_at" > ?))',
    "names": [
      "volume",
      "now",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "names.activePlacements": {
    "sql":
      'select "e"."edge_id" from json_each(?) as "item" inner join "edge" as "e" on "e"."edge_id" = "item"."value" where "e"."archived" = 0',
    "names": [
      "edges",
    ],
    "constants": [
      null,
    ],
  },
  "names.committedVersions": {
    "sql":
      'select "c"."node_id", "c"."version" from json_each(?) as "item" inner join "content" as "c" on "c"."node_id" = "item"."value"',
    "names": [
      "nodes",
    ],
    "constants": [
      null,
    ],
  },
  "names.placedElsewhere": {
    "sql":
      'select "n"."node_id" from json_each(?) as "item" inner join "node" as "n" on "n"."node_id" = "item"."value" where "n"."type" = \'container\' and exists (select 1 as "one" from "edge" as "e" where "e"."to_id" = "n"."node_id" and "e"."archived" = 0 and "e"."edge_id" not in (select "item"."value" from json_each(?) as "item"))',
    "names": [
      "nodes",
      "edges",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "names.placementsOfNames": {
    "sql":
      'select "item"."key" as "at", "e"."edge_id", "e"."to_id", "n"."type" from json_each(?) as "item" cross join "edge" as "e" inner join "node" as "n" on "n"."node_id" = "e"."to_id" where "e"."from_id" = item.value ->> 0 and "e"."name" = item.value ->> 1 and "e"."archived" = 0 order by "item"."key", "e"."to_id" desc',
    "names": [
      "names",
    ],
    "constants": [
      null,
    ],
  },
  "node.copyNode": {
    "sql":
      'insert into "node" ("node_id", "type", "name", "created_at", "modified_at", "volume_id", "metadata", "uid", "gid", "mode") select ? as "id", "type", ? as "new_name", "created_at", "modified_at", ? as "volume", "metadata", "uid", "gid", "mode" from "node" where "node_id" = ?',
    "names": [
      "node",
      "name",
      "volume",
      "source",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "node.copyXattrs": {
    "sql":
      'insert into "xattr" ("node_id", "name", "value") select ? as "id", "name", "value" from "xattr" where "node_id" = ?',
    "names": [
      "node",
      "source",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "node.deleteNodes": {
    "sql":
      'delete from "node" where "node_id" in (select "item"."value" from json_each(?) as "item")',
    "names": [
      "nodes",
    ],
    "constants": [
      null,
    ],
  },
  "node.deleteUnplacedNodes": {
    "sql":
      'delete from "node" where "node_id" in (select "node"."node_id" from "node" where not exists (select 1 as "one" from "edge" where "edge"."to_id" = "node"."node_id") and not exists (select 1 as "one" from "edge" where "edge"."from_id" = "node"."node_id") and not exists (select 1 as "one" from "volume" where "volume"."root_node_id" = "node"."node_id") and not exists (select 1 as "one" from "mount" where "mount"."mount_point" = "node"."node_id") and not exists (select 1 as "one" from "lock" where "lock"."node_id" = "node"."node_id") and not exists (select 1 as "one" from "aloe_unlinked" where "aloe_unlinked"."node_id" = "node"."node_id") and not exists (select 1 as "one" from "aloe_upload" where "aloe_upload"."node_id" = "node"."node_id" and "aloe_upload"."expires_at" > ?) and ("node"."volume_id" = ? or ? is null) limit ?)',
    "names": [
      "now",
      "volume",
      "volume",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "node.deleteXattr": {
    "sql": 'delete from "xattr" where "node_id" = ? and "name" = ?',
    "names": [
      "node",
      "name",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "node.getXattr": {
    "sql": 'select "value" from "xattr" where "node_id" = ? and "name" = ?',
    "names": [
      "node",
      "name",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "node.insertNode": {
    "sql":
      'insert into "node" ("node_id", "type", "name", "created_at", "modified_at", "volume_id") values (?, ?, ?, ?, ?, ?)',
    "names": [
      "node",
      "type",
      "name",
      "createdAt",
      "modifiedAt",
      "volume",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "node.insertWholeNode": {
    "sql":
      'insert into "node" ("node_id", "type", "name", "created_at", "modified_at", "volume_id", "metadata", "uid", "gid", "mode", "atime", "ctime") values (?, ?, ?, ?, ?, ?, jsonb(?), ?, ?, ?, ?, ?)',
    "names": [
      "node",
      "type",
      "name",
      "createdAt",
      "modifiedAt",
      "volume",
      "metadata",
      "uid",
      "gid",
      "mode",
      "atime",
      null,
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "node.listXattrs": {
    "sql": 'select "name", "value" from "xattr" where "node_id" = ? order by "name"',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "node.setAccessed": {
    "sql": 'update "node" set "atime" = ? where "node_id" = ?',
    "names": [
      "at",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "node.setMetadata": {
    "sql": 'update "node" set "metadata" = jsonb(?) where "node_id" = ?',
    "names": [
      "metadata",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "node.setMode": {
    "sql": 'update "node" set "mode" = ? where "node_id" = ?',
    "names": [
      "mode",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "node.setModified": {
    "sql": 'update "node" set "modified_at" = ? where "node_id" = ?',
    "names": [
      "at",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "node.setNodeName": {
    "sql": 'update "node" set "name" = ? where "node_id" = ?',
    "names": [
      "name",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "node.setOwner": {
    "sql":
      'update "node" set "uid" = coalesce(?, "uid"), "gid" = coalesce(?, "gid") where "node_id" = ?',
    "names": [
      "uid",
      "gid",
      "node",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "node.setXattr": {
    "sql":
      'insert into "xattr" ("node_id", "name", "value") values (?, ?, ?) on conflict ("node_id", "name") do update set "value" = ?',
    "names": [
      "node",
      "name",
      "value",
      "value",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "redo.anyUnfinished": {
    "sql":
      'select 1 as "one" from "aloe_size" union all select 1 as "one" from "aloe_unlinked" limit 1',
    "names": [],
    "constants": [],
  },
  "redo.carryRedo": {
    "sql": 'update "aloe_redo" set "version" = ? where "node_id" = ? and "version" = ?',
    "names": [
      "to",
      "node",
      "from",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "redo.contentState": {
    "sql":
      'select "c"."version", "c"."size", "c"."retention_keep", "s"."size" as "true_size", exists (select 1 as "one" from "content_version" as "v" where "v"."content_id" = "c"."node_id" and "v"."version" < "c"."version") as "has_history" from "content" as "c" left join "aloe_size" as "s" on "s"."node_id" = "c"."node_id" and "s"."version" = "c"."version" where "c"."node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "redo.deleteAllRedo": {
    "sql": 'delete from "aloe_redo" where "node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "redo.deleteRedo": {
    "sql": 'delete from "aloe_redo" where "node_id" = ? and "chunk_index" = ?',
    "names": [
      "node",
      "index",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "redo.deleteStaleRedo": {
    "sql":
      'delete from "aloe_redo" where "node_id" = ? and "version" != (select "version" from "content" where "node_id" = ?)',
    "names": [
      "node",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "redo.deleteTrueSize": {
    "sql": 'delete from "aloe_size" where "node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "redo.hasRedo": {
    "sql": 'select "seq" from "aloe_redo" where "node_id" = ? and "version" = ? limit 1',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "redo.insertRedo": {
    "sql":
      'insert into "aloe_redo" ("node_id", "version", "chunk_index", "start", "length", "data", "N_c", "enc_tag") values (?, ?, ?, ?, ?, ?, ?, ?)',
    "names": [
      "node",
      "version",
      "index",
      "start",
      "length",
      "data",
      "nonce",
      "tag",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "redo.redoIndexes": {
    "sql":
      'select distinct "r"."chunk_index" from "aloe_redo" as "r" inner join "content" as "c" on "c"."node_id" = "r"."node_id" and "c"."version" = "r"."version" where "r"."node_id" = ? order by "r"."chunk_index" limit ?',
    "names": [
      "node",
      "limit",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "redo.redoOf": {
    "sql":
      'select "r"."seq", "r"."chunk_index", "r"."start", "r"."length", "r"."data", "r"."N_c", "r"."enc_tag" from "aloe_redo" as "r" inner join "content" as "c" on "c"."node_id" = "r"."node_id" and "c"."version" = "r"."version" where "r"."node_id" = ? and "r"."chunk_index" >= ? and "r"."chunk_index" <= ? order by "r"."seq"',
    "names": [
      "node",
      "first",
      "last",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "redo.setTrueSize": {
    "sql":
      'insert into "aloe_size" ("node_id", "version", "size") values (?, ?, CAST(? AS INTEGER)) on conflict ("node_id") do update set "version" = "excluded"."version", "size" = "excluded"."size"',
    "names": [
      "node",
      "version",
      "size",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "redo.unfoldedNodes": {
    "sql":
      'select "u"."node_id" from "aloe_size" as "u" cross join "node" as "n" where "n"."node_id" = "u"."node_id" and "u"."node_id" > ? and "n"."volume_id" = ? order by "u"."node_id" limit ?',
    "names": [
      "after",
      "volume",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "registry.deleteFilesystem": {
    "sql": 'delete from "filesystem" where "fs_id" = ?',
    "names": [
      "id",
    ],
    "constants": [
      null,
    ],
  },
  "registry.deleteFilesystemMounts": {
    "sql": 'delete from "mount" where "fs_id" = ?',
    "names": [
      "id",
    ],
    "constants": [
      null,
    ],
  },
  "registry.deleteManagedMount": {
    "sql": 'delete from "mount" where "volume_id" = ?',
    "names": [
      "volume",
    ],
    "constants": [
      null,
    ],
  },
  "registry.getSetting": {
    "sql": 'select "value" from "setting" where "name" = ?',
    "names": [
      "name",
    ],
    "constants": [
      null,
    ],
  },
  "registry.insertFilesystem": {
    "sql":
      'insert into "filesystem" ("fs_id", "file_name", "name", "created_at", "state") values (?, ?, ?, ?, ?)',
    "names": [
      "id",
      "fileName",
      "name",
      "createdAt",
      "state",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "registry.listFilesystems": {
    "sql": 'select * from "filesystem" order by "created_at", "fs_id"',
    "names": [],
    "constants": [],
  },
  "registry.listManagedMounts": {
    "sql": 'select * from "mount" order by "started_at", "volume_id"',
    "names": [],
    "constants": [],
  },
  "registry.putManagedMount": {
    "sql":
      'replace into "mount" ("volume_id", "fs_id", "mode", "mountpoint", "persist", "pin_env", "pin_file", "pid", "started_at") values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    "names": [
      "volume",
      "filesystem",
      "mode",
      "mountpoint",
      "persist",
      "pinEnv",
      "pinFile",
      "pid",
      "startedAt",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "registry.putSetting": {
    "sql": 'replace into "setting" ("name", "value") values (?, ?)',
    "names": [
      "name",
      "value",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "registry.setFilesystemName": {
    "sql": 'update "filesystem" set "name" = ? where "fs_id" = ?',
    "names": [
      "name",
      "id",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "registry.setFilesystemState": {
    "sql": 'update "filesystem" set "state" = ? where "fs_id" = ?',
    "names": [
      "state",
      "id",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "resolve.childByName": {
    "sql":
      'select "n"."node_id", "n"."type" from "node" as "n" where "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = ? and "edge"."name" = ? and "edge"."archived" = 0)',
    "names": [
      "parent",
      "name",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "resolve.mountState": {
    "sql":
      'select "m"."state", "m"."mount_point", "v"."root_node_id", "v"."volume_id", ("m"."expires_at" is null or "m"."expires_at" > ?) as "alive", ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0)) as "placed" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" where "m"."mount_id" = ?',
    "names": [
      "now",
      "mount",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "resolve.readByPath.0": {
    "sql":
      'select "v"."volume_id", "v"."chunk_size", "v"."enc_mode", "n"."node_id", "n"."type", "c"."size", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = "m"."mount_point" left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "cv" on "cv"."content_id" = "c"."node_id" and "cv"."version" = "c"."version" and "cv"."chunk_index" = 0 and "c"."size" <= "v"."chunk_size" left join "content_chunk" as "k" on "k"."chunk_hash" = "cv"."chunk_hash" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "resolve.readByPath.1": {
    "sql":
      'select "v"."volume_id", "v"."chunk_size", "v"."enc_mode", "n"."node_id", "n"."type", "c"."size", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "cv" on "cv"."content_id" = "c"."node_id" and "cv"."version" = "c"."version" and "cv"."chunk_index" = 0 and "c"."size" <= "v"."chunk_size" left join "content_chunk" as "k" on "k"."chunk_hash" = "cv"."chunk_hash" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "resolve.readByPath.2": {
    "sql":
      'select "v"."volume_id", "v"."chunk_size", "v"."enc_mode", "n"."node_id", "n"."type", "c"."size", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "cv" on "cv"."content_id" = "c"."node_id" and "cv"."version" = "c"."version" and "cv"."chunk_index" = 0 and "c"."size" <= "v"."chunk_size" left join "content_chunk" as "k" on "k"."chunk_hash" = "cv"."chunk_hash" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.readByPath.3": {
    "sql":
      'select "v"."volume_id", "v"."chunk_size", "v"."enc_mode", "n"."node_id", "n"."type", "c"."size", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "cv" on "cv"."content_id" = "c"."node_id" and "cv"."version" = "c"."version" and "cv"."chunk_index" = 0 and "c"."size" <= "v"."chunk_size" left join "content_chunk" as "k" on "k"."chunk_hash" = "cv"."chunk_hash" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.readByPath.4": {
    "sql":
      'select "v"."volume_id", "v"."chunk_size", "v"."enc_mode", "n"."node_id", "n"."type", "c"."size", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "cv" on "cv"."content_id" = "c"."node_id" and "cv"."version" = "c"."version" and "cv"."chunk_index" = 0 and "c"."size" <= "v"."chunk_size" left join "content_chunk" as "k" on "k"."chunk_hash" = "cv"."chunk_hash" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "n3",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.readByPath.5": {
    "sql":
      'select "v"."volume_id", "v"."chunk_size", "v"."enc_mode", "n"."node_id", "n"."type", "c"."size", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "cv" on "cv"."content_id" = "c"."node_id" and "cv"."version" = "c"."version" and "cv"."chunk_index" = 0 and "c"."size" <= "v"."chunk_size" left join "content_chunk" as "k" on "k"."chunk_hash" = "cv"."chunk_hash" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.readByPath.6": {
    "sql":
      'select "v"."volume_id", "v"."chunk_size", "v"."enc_mode", "n"."node_id", "n"."type", "c"."size", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "cv" on "cv"."content_id" = "c"."node_id" and "cv"."version" = "c"."version" and "cv"."chunk_index" = 0 and "c"."size" <= "v"."chunk_size" left join "content_chunk" as "k" on "k"."chunk_hash" = "cv"."chunk_hash" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "n5",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.readByPath.7": {
    "sql":
      'select "v"."volume_id", "v"."chunk_size", "v"."enc_mode", "n"."node_id", "n"."type", "c"."size", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "cv" on "cv"."content_id" = "c"."node_id" and "cv"."version" = "c"."version" and "cv"."chunk_index" = 0 and "c"."size" <= "v"."chunk_size" left join "content_chunk" as "k" on "k"."chunk_hash" = "cv"."chunk_hash" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "n5",
      "n6",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.readByPath.8": {
    "sql":
      'select "v"."volume_id", "v"."chunk_size", "v"."enc_mode", "n"."node_id", "n"."type", "c"."size", "k"."data", "k"."length", "k"."N_c", "k"."enc_tag" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" left join "content_version" as "cv" on "cv"."content_id" = "c"."node_id" and "cv"."version" = "c"."version" and "cv"."chunk_index" = 0 and "c"."size" <= "v"."chunk_size" left join "content_chunk" as "k" on "k"."chunk_hash" = "cv"."chunk_hash" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "n5",
      "n6",
      "n7",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveById": {
    "sql":
      'select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = ? left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "now",
      "now",
      "node",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveByPath.0": {
    "sql":
      'select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = "m"."mount_point" left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "now",
      "now",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveByPath.1": {
    "sql":
      'select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "now",
      "now",
      "n0",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveByPath.2": {
    "sql":
      'select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "now",
      "now",
      "n0",
      "n1",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveByPath.3": {
    "sql":
      'select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "now",
      "now",
      "n0",
      "n1",
      "n2",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveByPath.4": {
    "sql":
      'select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "now",
      "now",
      "n0",
      "n1",
      "n2",
      "n3",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveByPath.5": {
    "sql":
      'select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "now",
      "now",
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveByPath.6": {
    "sql":
      'select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "now",
      "now",
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "n5",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveByPath.7": {
    "sql":
      'select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "now",
      "now",
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "n5",
      "n6",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveByPath.8": {
    "sql":
      'select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "now",
      "now",
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "n5",
      "n6",
      "n7",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.resolveDeep": {
    "sql":
      'with recursive "walk" as (select "mount"."mount_point" as "node_id", 0 as "depth" from "mount" where "mount"."mount_id" = ? union all select (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "walk"."node_id" and "edge"."name" = "item"."value" and "edge"."archived" = 0) as "node_id", walk.depth + 1 as "depth" from "walk" inner join json_each(?) as "item" on "item"."key" = "walk"."depth" where "walk"."node_id" is not null) select "m"."mount_id", "m"."mount_point", "m"."access", "v"."volume_id", "v"."root_node_id", "v"."chunk_size", "v"."wm_ts", "v"."wm_seq", "v"."enc_mode", "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "c"."version", "c"."size", exists (select 1 as "one" from "lock" as "l" inner join "mount" as "lm" on "lm"."mount_id" = "l"."mount_id" where "l"."node_id" = "n"."node_id" and "l"."mount_id" != "m"."mount_id" and (("lm"."state" != \'unmounted\' and ("lm"."expires_at" is null or "lm"."expires_at" > ?)) and ("l"."expires_at" is null or "l"."expires_at" > ?))) as "locked" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (SELECT node_id FROM walk ORDER BY depth DESC LIMIT 1) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "mount",
      "names",
      "now",
      "now",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.statById": {
    "sql":
      'select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = ? left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "node",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "resolve.statByPath.0": {
    "sql":
      'select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = "m"."mount_point" left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "resolve.statByPath.1": {
    "sql":
      'select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "resolve.statByPath.2": {
    "sql":
      'select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.statByPath.3": {
    "sql":
      'select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.statByPath.4": {
    "sql":
      'select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "n3",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.statByPath.5": {
    "sql":
      'select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.statByPath.6": {
    "sql":
      'select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "n5",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.statByPath.7": {
    "sql":
      'select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "n5",
      "n6",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.statByPath.8": {
    "sql":
      'select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "m"."mount_point" and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) and "edge"."name" = ? and "edge"."archived" = 0) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "n0",
      "n1",
      "n2",
      "n3",
      "n4",
      "n5",
      "n6",
      "n7",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.statDeep": {
    "sql":
      'with recursive "walk" as (select "mount"."mount_point" as "node_id", 0 as "depth" from "mount" where "mount"."mount_id" = ? union all select (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "walk"."node_id" and "edge"."name" = "item"."value" and "edge"."archived" = 0) as "node_id", walk.depth + 1 as "depth" from "walk" inner join json_each(?) as "item" on "item"."key" = "walk"."depth" where "walk"."node_id" is not null) select "n"."node_id", "n"."type", "n"."name", "n"."volume_id" as "node_volume", "v"."volume_id" as "mount_volume", "n"."created_at", "n"."modified_at", "n"."atime", "n"."ctime", "n"."mode", "n"."uid", "n"."gid", "c"."size", "c"."version", "c"."retention_keep", (SELECT d.kind || \' \' || d.major || \' \' || d.minor\n    FROM aloe_device AS d WHERE d.node_id = "n"."node_id") as "device", json("n"."metadata") as "metadata", (select count(*) as "count" from "edge" as "le" where "le"."to_id" = "n"."node_id" and "le"."archived" = 0) as "nlink" from "mount" as "m" inner join "volume" as "v" on "v"."volume_id" = "m"."volume_id" inner join "node" as "n" on "n"."node_id" = (SELECT node_id FROM walk ORDER BY depth DESC LIMIT 1) left join "content" as "c" on "c"."node_id" = "n"."node_id" where "m"."mount_id" = ? and ("m"."state" != \'unmounted\' and ("m"."expires_at" is null or "m"."expires_at" > ?)) and ("m"."mount_point" = "v"."root_node_id" or exists (select 1 as "one" from "edge" as "pe" where "pe"."to_id" = "m"."mount_point" and "pe"."archived" = 0))',
    "names": [
      "mount",
      "names",
      "mount",
      "now",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "resolve.walkPath": {
    "sql":
      'with recursive "walk" as (select "mount"."mount_point" as "node_id", 0 as "depth" from "mount" where "mount"."mount_id" = ? union all select (select max("edge"."to_id") as "child" from "edge" where "edge"."from_id" = "walk"."node_id" and "edge"."name" = "item"."value" and "edge"."archived" = 0) as "node_id", walk.depth + 1 as "depth" from "walk" inner join json_each(?) as "item" on "item"."key" = "walk"."depth" where "walk"."node_id" is not null) select "walk"."depth", "n"."node_id", "n"."type" from "walk" left join "node" as "n" on "n"."node_id" = "walk"."node_id" order by "walk"."depth"',
    "names": [
      "mount",
      "names",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "seal.contentAfter": {
    "sql":
      'select "n"."node_id", exists (select 1 as "one" from "aloe_seal" as "t" where "t"."node_id" = "n"."node_id") as "sealed" from "node" as "n" inner join "content" as "c" on "c"."node_id" = "n"."node_id" where "n"."node_id" > ? and "n"."volume_id" = ? order by "n"."node_id" limit CAST(? AS INTEGER)',
    "names": [
      "after",
      "volume",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "seal.deleteSeal": {
    "sql": 'delete from "aloe_seal" where "node_id" = ? and "version" = ?',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "seal.deleteSealsBelow": {
    "sql": 'delete from "aloe_seal" where "node_id" = ? and "version" < ?',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "seal.getSeal": {
    "sql": 'select "tag" from "aloe_seal" where "node_id" = ? and "version" = ?',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "seal.hasContentType": {
    "sql":
      'select 1 as "one" from "node" where "node_id" = ? and "type" in (\'entry\', \'symlink\') limit 1',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "seal.isPlaced": {
    "sql": 'select 1 as "one" from "edge" where "to_id" = ? and "archived" = ? limit 1',
    "names": [
      "node",
      null,
    ],
    "constants": [
      null,
      0,
    ],
  },
  "seal.lastIndex": {
    "sql":
      'select "chunk_index" from "content_version" where "content_id" = ? and "version" = ? order by "chunk_index" desc limit 1',
    "names": [
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "seal.olderSize": {
    "sql":
      'select (select CAST(size AS TEXT) as "size" from "aloe_version" where "content_id" = ? and "version" = ?) as "noted", (select CAST(ifnull(sum(k.length), 0) AS TEXT) as "size" from "content_version" as "v" inner join "content_chunk" as "k" on "k"."chunk_hash" = "v"."chunk_hash" where "v"."content_id" = ? and "v"."version" = ?) as "summed"',
    "names": [
      "node",
      "version",
      "node",
      "version",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "seal.olderVersions": {
    "sql":
      'select distinct "v"."version" from "content_version" as "v" inner join "content" as "c" on "c"."node_id" = "v"."content_id" where "v"."content_id" = ? and "v"."version" > ? and "v"."version" < "c"."version" order by "v"."version"',
    "names": [
      "node",
      "after",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "seal.putSeal": {
    "sql":
      'insert into "aloe_seal" ("node_id", "version", "tag") values (?, ?, ?) on conflict ("node_id", "version") do update set "tag" = "excluded"."tag"',
    "names": [
      "node",
      "version",
      "tag",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "seal.putVolumeSeal": {
    "sql":
      'insert into "aloe_sealed" ("volume_id", "watermark", "tag") values (?, ?, ?) on conflict ("volume_id") do update set "watermark" = "excluded"."watermark", "tag" = "excluded"."tag"',
    "names": [
      "volume",
      "watermark",
      "tag",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "seal.sealState": {
    "sql":
      'select "n"."volume_id", "c"."version", CAST(c.size AS TEXT) as "size", CAST(s.size AS TEXT) as "true_size", "t"."tag", (select "l"."chunk_index" from "content_version" as "l" where "l"."content_id" = "c"."node_id" and "l"."version" = "c"."version" order by "l"."chunk_index" desc limit 1) as "last", exists (select 1 as "one" from "aloe_redo" as "r" where "r"."node_id" = "c"."node_id" and "r"."version" = "c"."version") as "logged", (select "f"."chunk_hash" from "content_version" as "f" where "f"."content_id" = "c"."node_id" and "f"."version" = "c"."version" and "f"."chunk_index" = 0) as "first_hash", (select max("o"."version") as "top" from "aloe_seal" as "o" where "o"."node_id" = "c"."node_id") as "newest", exists (select 1 as "one" from "aloe_upload" as "u" where "u"."node_id" = "c"."node_id") as "uploading" from "content" as "c" inner join "node" as "n" on "n"."node_id" = "c"."node_id" left join "aloe_size" as "s" on "s"."node_id" = "c"."node_id" and "s"."version" = "c"."version" left join "aloe_seal" as "t" on "t"."node_id" = "c"."node_id" and "t"."version" = "c"."version" where "c"."node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "seal.sealedRedo": {
    "sql":
      'select "seq", seq || \' \' || chunk_index || \' \' || start || \' \' || length || \' \' ||\n        hex(N_c) || hex(enc_tag) as "record" from "aloe_redo" where "node_id" = ? and "version" = ? and "seq" > ? order by "seq"',
    "names": [
      "node",
      "version",
      "after",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "seal.sealedRows": {
    "sql":
      'select count(*) || \' \' || ifnull(min(h.chunk_index), \'\') || \' \' ||\n      ifnull(max(h.chunk_index), \'\') || \' \' || ifnull(group_concat(h.chunk_hash, \'\'), \'\') as "rows" from (select "chunk_hash", "chunk_index" from "content_version" where "content_id" = ? and "version" = ? and "chunk_index" >= ? and "chunk_index" <= ? order by "chunk_index") as "h"',
    "names": [
      "node",
      "version",
      "first",
      "last",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "seal.volumeSeal": {
    "sql":
      'select "v"."root_node_id", "v"."enc_mode", "v"."chunk_size", "v"."wrapped_key", "v"."wrap_nonce", "s"."watermark", "s"."tag" from "volume" as "v" left join "aloe_sealed" as "s" on "s"."volume_id" = "v"."volume_id" where "v"."volume_id" = ?',
    "names": [
      "volume",
    ],
    "constants": [
      null,
    ],
  },
  "sqlite_file.dataVersion": {
    "sql": 'select (SELECT data_version FROM pragma_data_version) as "version"',
    "names": [],
    "constants": [],
  },
  "sqlite_file.fileFacts": {
    "sql":
      'select (SELECT user_version FROM pragma_user_version) as "era", (SELECT page_count FROM pragma_page_count) as "pages", (SELECT page_size FROM pragma_page_size) as "page_size", (SELECT freelist_count FROM pragma_freelist_count) as "free_pages"',
    "names": [],
    "constants": [],
  },
  "sqlite_file.fileSchema": {
    "sql": 'select "type", "name", "tbl_name", "rootpage", "sql" from "main"."sqlite_master"',
    "names": [],
    "constants": [],
  },
  "sqlite_file.temporaries": {
    "sql":
      'select "type", "name" from "temp"."sqlite_master" where "type" in (\'table\', \'view\')',
    "names": [],
    "constants": [],
  },
  "trash.listRemoved": {
    "sql":
      'select "e"."edge_id", "e"."from_id", "e"."to_id", "e"."name", "r"."removed_at", "n"."type", "c"."size" from "edge" as "e" inner join "node" as "n" on "n"."node_id" = "e"."to_id" left join "aloe_removed" as "r" on "r"."edge_id" = "e"."edge_id" left join "content" as "c" on "c"."node_id" = "e"."to_id" where "e"."archived" = 1 and (not exists (select 1 as "one" from "edge" as "a" where "a"."to_id" = "e"."to_id" and "a"."archived" = 0) and "e"."edge_id" = (select "l"."edge_id" from "edge" as "l" left join "aloe_removed" as "lr" on "lr"."edge_id" = "l"."edge_id" where "l"."to_id" = "e"."to_id" order by "lr"."removed_at" desc, "l"."edge_id" desc limit 1)) and ("e"."volume_id" || \'\') = ? and "e"."edge_id" > ? order by "e"."edge_id" limit ?',
    "names": [
      "volume",
      "after",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "trash.mountsAt": {
    "sql":
      'select "mount_id" from "mount" where "mount_point" = ? and ("mount"."state" != \'unmounted\' and ("mount"."expires_at" is null or "mount"."expires_at" > ?))',
    "names": [
      "node",
      "now",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "trash.noteRemoval": {
    "sql":
      'insert into "aloe_removed" ("edge_id", "removed_at") values (?, ?) on conflict ("edge_id") do update set "removed_at" = ?',
    "names": [
      "edge",
      "at",
      "at",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "trash.noteRemovals": {
    "sql":
      'insert into "aloe_removed" ("edge_id", "removed_at") select "edge_id", ? as "at" from "edge" where "edge_id" in (select "item"."value" from json_each(?) as "item") on conflict ("edge_id") do update set "removed_at" = ?',
    "names": [
      "at",
      "edges",
      "at",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "trash.removedFrom": {
    "sql":
      'select "e"."edge_id", "e"."to_id" from "edge" as "e" where "e"."from_id" = ? and "e"."edge_id" > ? and "e"."archived" = 1 and (not exists (select 1 as "one" from "edge" as "a" where "a"."to_id" = "e"."to_id" and "a"."archived" = 0) and "e"."edge_id" = (select "l"."edge_id" from "edge" as "l" left join "aloe_removed" as "lr" on "lr"."edge_id" = "l"."edge_id" where "l"."to_id" = "e"."to_id" order by "lr"."removed_at" desc, "l"."edge_id" desc limit 1)) order by "e"."edge_id" limit ?',
    "names": [
      "parent",
      "after",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "trash.removedNode": {
    "sql":
      'select "e"."edge_id", "e"."from_id", "e"."to_id", "e"."name", "r"."removed_at", "n"."type", "c"."size" from "edge" as "e" inner join "node" as "n" on "n"."node_id" = "e"."to_id" left join "aloe_removed" as "r" on "r"."edge_id" = "e"."edge_id" left join "content" as "c" on "c"."node_id" = "e"."to_id" where "e"."archived" = 1 and (not exists (select 1 as "one" from "edge" as "a" where "a"."to_id" = "e"."to_id" and "a"."archived" = 0) and "e"."edge_id" = (select "l"."edge_id" from "edge" as "l" left join "aloe_removed" as "lr" on "lr"."edge_id" = "l"."edge_id" where "l"."to_id" = "e"."to_id" order by "lr"."removed_at" desc, "l"."edge_id" desc limit 1)) and "e"."to_id" = ? and "e"."volume_id" = ?',
    "names": [
      "node",
      "volume",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "trash.removedTogether": {
    "sql":
      'select "e"."edge_id", "e"."to_id", "e"."name", "n"."type", exists (select 1 as "one" from "edge" as "a" where "a"."to_id" = "e"."to_id" and "a"."archived" = 0) as "placed" from "edge" as "e" inner join "aloe_removed" as "r" on "r"."edge_id" = "e"."edge_id" inner join "node" as "n" on "n"."node_id" = "e"."to_id" where "e"."from_id" = ? and "e"."archived" = 1 and "e"."edge_id" > ? and "r"."removed_at" is ? order by "e"."edge_id" limit ?',
    "names": [
      "parent",
      "after",
      "at",
      "limit",
    ],
    "constants": [
      null,
      null,
      null,
      null,
    ],
  },
  "trash.restoreEdge": {
    "sql": 'update "edge" set "archived" = 0 where "edge_id" = ?',
    "names": [
      "edge",
    ],
    "constants": [
      null,
    ],
  },
  "upload.deleteUpload": {
    "sql": 'delete from "aloe_upload" where "node_id" = ?',
    "names": [
      "node",
    ],
    "constants": [
      null,
    ],
  },
  "upload.expiredUploads": {
    "sql": 'select "node_id" from "aloe_upload" where "expires_at" <= ? limit ?',
    "names": [
      "now",
      "limit",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "upload.insertUpload": {
    "sql":
      'insert into "aloe_upload" ("node_id", "length", "note", "created_at", "expires_at") values (?, ?, ?, ?, ?)',
    "names": [
      "node",
      "length",
      "note",
      "createdAt",
      "expiresAt",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "upload.moveManifest": {
    "sql":
      'update "content_version" set "content_id" = ?, "version" = ? where "content_id" = ? and "version" = ? and "chunk_index" >= ? and "chunk_index" <= ?',
    "names": [
      "to",
      "newVersion",
      "from",
      "version",
      "first",
      "last",
    ],
    "constants": [
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "upload.renewNode": {
    "sql": 'update "node" set "name" = ?, "created_at" = ? where "node_id" = ?',
    "names": [
      "name",
      "at",
      "node",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "upload.setUploadLength": {
    "sql": 'update "aloe_upload" set "length" = CAST(? AS INTEGER) where "node_id" = ?',
    "names": [
      "length",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "upload.touchUpload": {
    "sql": 'update "aloe_upload" set "expires_at" = ? where "node_id" = ?',
    "names": [
      "expiresAt",
      "node",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "upload.uploadsOf": {
    "sql":
      'select "u"."node_id", "u"."length", "u"."note", "u"."created_at", "u"."expires_at", "c"."size" from "aloe_upload" as "u" inner join "node" as "n" on "n"."node_id" = "u"."node_id" inner join "content" as "c" on "c"."node_id" = "u"."node_id" where "n"."volume_id" = ? and ("u"."node_id" = ? or ? is null) order by "u"."node_id"',
    "names": [
      "volume",
      "node",
      "node",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "volume.clearVolumeRoot": {
    "sql": 'update "volume" set "root_node_id" = ? where "volume_id" = ?',
    "names": [
      null,
      "volume",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "volume.deleteSomeVolumeEdges": {
    "sql":
      'delete from "edge" where "edge_id" in (select "e"."edge_id" from "edge" as "e" where "e"."volume_id" = ? limit ?)',
    "names": [
      "volume",
      "limit",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "volume.deleteVolume": {
    "sql": 'delete from "volume" where "volume_id" = ?',
    "names": [
      "volume",
    ],
    "constants": [
      null,
    ],
  },
  "volume.deleteVolumeEdges": {
    "sql": 'delete from "edge" where "volume_id" = ?',
    "names": [
      "volume",
    ],
    "constants": [
      null,
    ],
  },
  "volume.deleteVolumeLocks": {
    "sql":
      'delete from "lock" where "mount_id" in (select "mount_id" from "mount" where "volume_id" = ?)',
    "names": [
      "volume",
    ],
    "constants": [
      null,
    ],
  },
  "volume.deleteVolumeMounts": {
    "sql": 'delete from "mount" where "volume_id" = ?',
    "names": [
      "volume",
    ],
    "constants": [
      null,
    ],
  },
  "volume.deleteVolumeNodes": {
    "sql": 'delete from "node" where "volume_id" = ?',
    "names": [
      "volume",
    ],
    "constants": [
      null,
    ],
  },
  "volume.findVolumes": {
    "sql":
      'select "volume_id", "root_node_id", "name", "created_at", "chunk_size", "enc_mode" from "volume" where ("volume_id" = ? or "name" = ?) order by "created_at" desc, "volume_id" desc',
    "names": [
      "key",
      "key",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "volume.greatestEdgeId": {
    "sql":
      'select "edge_id" from "edge" where "edge_id" < ? and "volume_id" = ? order by "edge_id" desc limit 1',
    "names": [
      "below",
      "volume",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "volume.greatestNodeId": {
    "sql":
      'select "node_id" from "node" where "node_id" < ? and "volume_id" = ? order by "node_id" desc limit 1',
    "names": [
      "below",
      "volume",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "volume.insertVolume": {
    "sql":
      'insert into "volume" ("volume_id", "root_node_id", "name", "created_at", "api_version", "chunk_size", "wm_ts", "wm_seq", "enc_mode", "wrapped_key", "wrap_nonce") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    "names": [
      "volume",
      null,
      "name",
      "createdAt",
      null,
      "chunkSize",
      "ts",
      "seq",
      "mode",
      null,
      null,
    ],
    "constants": [
      null,
      null,
      null,
      null,
      2,
      null,
      null,
      null,
      null,
      null,
      null,
    ],
  },
  "volume.listVolumes": {
    "sql":
      'select "volume_id", "root_node_id", "name", "created_at", "chunk_size", "enc_mode" from "volume" order by "created_at", "volume_id"',
    "names": [],
    "constants": [],
  },
  "volume.nodesOfVolume": {
    "sql":
      'select "n"."node_id" from "node" as "n" where "n"."volume_id" = ? and not exists (select 1 as "one" from "volume" as "v" where "v"."root_node_id" = "n"."node_id") limit ?',
    "names": [
      "volume",
      "limit",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "volume.setVolumeKey": {
    "sql": 'update "volume" set "wrapped_key" = ?, "wrap_nonce" = ? where "volume_id" = ?',
    "names": [
      "wrapped",
      "nonce",
      "volume",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "volume.setVolumeName": {
    "sql": 'update "volume" set "name" = ? where "volume_id" = ?',
    "names": [
      "name",
      "volume",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "volume.setVolumeRoot": {
    "sql": 'update "volume" set "root_node_id" = ? where "volume_id" = ?',
    "names": [
      "root",
      "volume",
    ],
    "constants": [
      null,
      null,
    ],
  },
  "volume.storeWatermark": {
    "sql": 'update "volume" set "wm_ts" = ?, "wm_seq" = ? where "volume_id" = ?',
    "names": [
      "ts",
      "seq",
      "volume",
    ],
    "constants": [
      null,
      null,
      null,
    ],
  },
  "volume.volumeKey": {
    "sql":
      'select "volume_id", "root_node_id", "enc_mode", "wrapped_key", "wrap_nonce" from "volume" where "volume_id" = ?',
    "names": [
      "volume",
    ],
    "constants": [
      null,
    ],
  },
};

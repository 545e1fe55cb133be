/** The Dockerfile and the compose file agree with the sources and options. */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { parseArgs } from "../../cli/args.ts";
import { COMMANDS } from "../../cli/commands.ts";

const read = (name: string) => Deno.readTextFile(new URL(`../../${name}`, import.meta.url));

interface Service {
  build?: string;
  image?: string;
  user?: string;
  command: string[];
  ports?: string[];
  devices?: string[];
  cap_add?: string[];
  secrets?: string[];
  depends_on?: Record<string, { condition: string }>;
  volumes: { type: string; source: string; target: string; bind: { propagation: string } }[];
}

/** Returns the instructions of a Dockerfile; continued lines are joined. */
async function instructions(): Promise<[string, string][]> {
  const text = (await read("Dockerfile")).replaceAll(/^#.*\n/gm, "").replaceAll(/\\\n\s*/g, "");
  return text.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? assert.fail(line);
    return [name, rest];
  });
}

function only(all: [string, string][], name: string): string {
  const found = all.filter(([each]) => each === name);
  assert.equal(found.length, 1, `${name}: ${found.length} times`);
  return found[0][1];
}

/** Returns the flags of one of our command lines, which has to be valid. */
function flagsOf(words: string[]): ReadonlyMap<string, string> {
  const { command, flags } = parseArgs(words, COMMANDS);
  assert.equal(command?.name, "serve");
  return flags;
}

Deno.test("the Dockerfile builds existing sources and starts them with valid options", async () => {
  const all = await instructions();
  assert.equal(all.filter(([name]) => name === "FROM").length, 2);
  const { tasks } = JSON.parse(await read("deno.json"));
  const runs = all.filter(([name]) => name === "RUN").map(([, rest]) => rest).join("\n");
  for (const [, task] of runs.matchAll(/deno task (\w+)/g)) assert.ok(task in tasks, task);
  assert.match(runs, /deno task page/);
  const version = /deno:debian-(\S+) AS build/.exec(all[0][1])?.[1];
  assert.equal(version, Deno.version.deno, "the runtime that tests ran with");
  assert.match(runs, /install .*\bfuse3\b/);
  assert.match(runs, /user_allow_other/);
  assert.notEqual(only(all, "USER"), "root");
  assert.equal(only(all, "VOLUME"), "/data");
  const entry = JSON.parse(only(all, "ENTRYPOINT")) as string[];
  const built = /--output (\S+)/.exec(runs)![1];
  assert.ok(
    all.some(([name, rest]) => name === "COPY" && rest === `--from=build ${built} ${built}`),
  );
  assert.equal(entry.at(-1), built.slice(built.lastIndexOf("/") + 1));
  const flags = flagsOf(JSON.parse(only(all, "CMD")));
  assert.equal(flags.get("root"), "/data");
  assert.equal(flags.get("port"), only(all, "EXPOSE"));
  const health = all.find(([name]) => name === "HEALTHCHECK")![1];
  assert.match(health, new RegExp(`http://127\\.0\\.0\\.1:${flags.get("port")}/health`));
  // Files that the second stage lacks cannot be copied from it by accident.
  const ignored = (await read(".dockerignore")).split("\n");
  for (const name of ["cli", "fuse", "manager", "src", "mod.ts", "deno.json", "deno.lock"]) {
    assert.ok(!ignored.includes(name), name);
  }
});

Deno.test("compose: mounts propagate from the manager to the consumer", async () => {
  const { services, secrets } = parse(await read("compose.yaml")) as {
    services: Record<string, Service>;
    secrets: Record<string, { file: string }>;
  };
  const { aloelite: manager, consumer } = services;
  const flags = flagsOf(manager.command);
  assert.ok(flags.has("fuse"));
  assert.ok(flags.has("allow-other"));
  const [data] = manager.volumes;
  assert.equal(data.target, flags.get("root"));
  assert.equal(data.bind.propagation, "rshared");
  assert.deepEqual(manager.devices, ["/dev/fuse"]);
  assert.deepEqual(manager.cap_add, ["SYS_ADMIN"]);
  // The path on the host is the bound one.
  assert.equal(flags.get("host-root"), data.source.replace(/^\./, "${PWD}"));
  const [volumes] = consumer.volumes;
  assert.equal(volumes.source, `${data.source}/mnt`);
  assert.equal(volumes.bind.propagation, "rslave");
  assert.equal(consumer.depends_on!.aloelite.condition, "service_healthy");
  assert.equal(consumer.cap_add, undefined);
  const [secret] = manager.secrets!;
  assert.equal(flags.get("token-file"), `/run/secrets/${secret}`);
  assert.ok(secrets[secret].file.startsWith("./"));
  // Published on the host only; for other machines, put TLS in front.
  for (const port of manager.ports!) {
    assert.match(port, new RegExp(`^127\\.0\\.0\\.1:\\d+:${flags.get("port")}$`));
  }
});

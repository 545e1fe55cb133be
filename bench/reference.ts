import { fileURLToPath } from "node:url";
import { compareWith } from "./filesystems.ts";
import type { Figure } from "./harness.ts";
import { cacheFolder, output, PeerProcess } from "./peer_process.ts";

const RELEASE = "0.4.0";

/** The Python reference. `ALOELITE_BENCH_PYTHON` names an interpreter that has it. */
export const reference: Figure = {
  name: "reference",
  run: (bench) =>
    compareWith(bench, {
      name: `Python aloelite ${RELEASE}`,
      small: 5,
      large: 2,
      mib: 128,
      async start() {
        const python = await install();
        if (typeof python !== "string") return python;
        return new PeerProcess(python, [
          "-u",
          fileURLToPath(new URL("reference.py", import.meta.url)),
        ]);
      },
    }),
};

/** An interpreter that has the package: a virtual environment in the cache, made when missing. */
export async function install(): Promise<string | { missing: string }> {
  const given = Deno.env.get("ALOELITE_BENCH_PYTHON");
  if (given !== undefined) return given;
  const venv = `${cacheFolder()}/python-${RELEASE}`;
  const windows = Deno.build.os === "windows";
  const python = windows ? `${venv}/Scripts/python.exe` : `${venv}/bin/python`;
  if ((await output(python, ["-c", "import aloelite"])).ok) return python;
  const made = await output(windows ? "python" : "python3", ["-m", "venv", venv]);
  if (!made.ok) return { missing: "no python3 that makes a virtual environment" };
  const requirement = `aloelite[bundled-sqlite]==${RELEASE}`;
  const installed = await output(python, ["-m", "pip", "install", "--quiet", requirement]);
  return installed.ok ? python : { missing: `pip could not install ${requirement}` };
}

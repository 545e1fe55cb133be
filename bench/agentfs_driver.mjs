// What bench/agentfs.ts has agentfs-sdk do: a line of JSON in, a line of JSON
// out. It is copied beside the installed package and runs there.
import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import process from "node:process";
import { createInterface } from "node:readline";

// By a name that Deno does not resolve: it is no dependency of the project.
const sdk = "agentfs-sdk";
const { AgentFS } = await import(sdk);

const MIB = 1024 * 1024;
const block = randomFillSync(Buffer.alloc(MIB));
let agent, fs;

function stamped(number, size = MIB) {
  block.writeDoubleBE(number, 0);
  return block.subarray(0, size);
}

const functions = {
  async open(path) {
    agent = await AgentFS.open({ path });
    fs = agent.fs;
  },
  async directories(count) {
    for (let i = 0; i < count; i++) await fs.mkdir(`/${i}`);
  },
  async create(round, files) {
    const start = performance.now();
    for (let i = 0; i < files; i++) await fs.writeFile(`/${round}/${i}.txt`, stamped(i, 4096));
    return performance.now() - start;
  },
  async stat(round, files) {
    const start = performance.now();
    for (let i = 0; i < files; i++) await fs.stat(`/${round}/${i}.txt`);
    return performance.now() - start;
  },
  // Names with their types, as our listing gives them, come only with the attributes.
  async list(round, files) {
    const start = performance.now();
    const found = await fs.readdirPlus(`/${round}`);
    const spent = performance.now() - start;
    if (found.length !== files) throw new Error(`listed ${found.length}`);
    return spent;
  },
  async read(round, files) {
    const start = performance.now();
    for (let i = 0; i < files; i++) await fs.readFile(`/${round}/${i}.txt`);
    return performance.now() - start;
  },
  async stream_in(round, mib) {
    const path = `/${round}.bin`;
    await fs.writeFile(path, "");
    const start = performance.now();
    const file = await fs.open(path);
    for (let i = 0; i < mib; i++) await file.pwrite(i * MIB, stamped(round * mib + i));
    return performance.now() - start;
  },
  async stream_out(round, mib) {
    const start = performance.now();
    const file = await fs.open(`/${round}.bin`);
    let bytes = 0;
    for (let i = 0; i < mib; i++) bytes += (await file.pread(i * MIB, MIB)).length;
    if (bytes !== mib * MIB) throw new Error(`read ${bytes} bytes`);
    return performance.now() - start;
  },
  async close() {
    await agent.close();
  },
};

if (process.argv.includes("--probe")) process.exit(0);
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = JSON.parse(line);
  let answer;
  try {
    answer = { seconds: (await functions[name](...args) ?? 0) / 1000 };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}

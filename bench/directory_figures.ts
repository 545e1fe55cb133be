import { AloeLite, type Mount } from "../mod.ts";
import { childName, type Directory, makeDirectories } from "./directories.ts";
import { type Bench, compare, type Figure, interleave, type Row, seconds } from "./harness.ts";
import { Peer } from "./peer.ts";

/** What a directory's size costs: names looked up in it, and listing it. */
export const directories: Figure[] = [{ name: "directories", run }];

/** Names that each lookup figure asks for, again and again. */
const NAMES = 100;
const ASKED = 5_000;
/** Names of the figure whose leaves do not all stay in the connection's cache. */
const MANY_NAMES = 10_000;

async function run(bench: Bench): Promise<Row[]> {
  const sizes = bench.quick ? [100, 10_000, 100_000] : [100, 100_000, 1_000_000];
  const path = bench.path("directories.db");
  bench.say(`directories of ${sizes.join(", ")}`);
  const [small, listed, large] = await makeDirectories(path, sizes);
  await using fs = await AloeLite.open(path);
  await using mount = await fs.mount("main");

  bench.say("stat of a name");
  const few = await lookups(mount, small, large, NAMES);
  const many = await lookups(mount, small, large, MANY_NAMES);
  bench.say(`list ${listed.children} children`);
  const listing = await listings(mount, path, listed);
  await bench.discard(path);
  const lookup = (names: number) => ({
    figure: `stat, ${large.children} siblings, ${names} names`,
    against: `among ${small.children}`,
    unit: "µs",
  });
  return [
    compare({ ...lookup(NAMES), bar: { most: 1.5 } }, few),
    compare({
      ...lookup(MANY_NAMES),
      bar: {},
      note: "more names than the connection's cache holds pages for: for information",
    }, many),
    compare({
      figure: `list ${listed.children} children`,
      against: "bare select of the rows",
      unit: "ms",
      bar: { most: 3 },
    }, listing),
  ];
}

/** As many names of the large directory as of the small one, or as it has; µs for each stat. */
async function lookups(mount: Mount, small: Directory, large: Directory, names: number) {
  const inLarge = paths(large, names);
  const inSmall = paths(small, names);
  const ask = async (asked: string[]) => {
    const time = await seconds(async () => {
      for (let i = 0; i < ASKED; i++) await mount.stat(asked[i % asked.length]);
    });
    return time / ASKED * 1e6;
  };
  for (let i = 0; i < Math.ceil(names / ASKED) + 1; i++) {
    await ask(inLarge);
    await ask(inSmall);
  }
  return await interleave(9, () => ask(inLarge), () => ask(inSmall));
}

/** Names from all over a directory, in no order. */
function paths(directory: Directory, names: number): string[] {
  const step = Math.max(1, Math.floor(directory.children / names));
  const found: string[] = [];
  for (let i = 0; i < directory.children && found.length < names; i += step) {
    found.push(`${directory.path}/${childName(i)}`);
  }
  // A stride that has no divisor with the length visits all.
  const stride = 7_919;
  return found.map((_, i) => found[i * stride % found.length]);
}

const ROWS = `SELECT e.edge_id, e.to_id, e.name, n.type
  FROM edge AS e JOIN node AS n ON n.node_id = e.to_id
  WHERE e.from_id = ? AND e.archived = 0 ORDER BY e.edge_id`;

async function listings(mount: Mount, path: string, directory: Directory) {
  const { id } = await mount.stat(directory.path);
  const peer = Peer.open(path);
  const select = peer.db.prepare(ROWS);
  const check = (rows: unknown[]) => {
    if (rows.length !== directory.children) throw new Error(`${rows.length} rows were listed`);
  };
  const ours = async () => await seconds(async () => check(await mount.list(directory.path))) * 1e3;
  const bare = async () => await seconds(() => check(select.all(id))) * 1e3;
  await ours();
  await bare();
  const times = await interleave(9, ours, bare);
  peer.close();
  return times;
}

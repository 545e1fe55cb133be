/**
 * Runs the scenarios in `conformance/`, and those of the reference project if
 * they exist beside this one in `../../shared/conformance/`.
 */

import { onEachBackend } from "./backends.ts";
import { OurSubject } from "./ours.ts";
import { readScenarios, runScenario, scenarioFiles } from "./runner.ts";

for (
  const [whose, folder] of [
    ["own", new URL("./", import.meta.url)],
    ["reference's", new URL("../../../shared/conformance/", import.meta.url)],
  ] as const
) {
  const files = scenarioFiles(folder);
  if (files.length === 0) {
    Deno.test({
      name: `conformance: ${whose} (ignored: not found)`,
      ignore: true,
      fn() {},
    });
  }
  for (const { name, url } of files) {
    onEachBackend(`conformance: ${whose} ${name}`, async (backend, t) => {
      await using store = await backend.create();
      for (const scenario of readScenarios(url)) {
        await t.step(scenario.scenario, async () => {
          await using subject = await OurSubject.make(store.fs, scenario);
          await runScenario(scenario, subject);
        });
      }
    });
  }
}

import { compiled } from "./sqlite_compiled.ts";
import type { TemplateCompiler } from "./template.ts";

/** SQLite's texts, compiled ahead of time. */
export const sqliteTemplates: TemplateCompiler = {
  compile(template) {
    const text = compiled[template.name];
    if (text === undefined) throw new TypeError(`${template.name}: run \`deno task templates\``);
    return text;
  },
};

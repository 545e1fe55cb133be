import { knownSchema } from "./known_schema.ts";

/**
 * Indexes and triggers of the format that a file lacks. Ours, named `aloe_…`,
 * are made by the next open for writing.
 *
 * @param era The file's era.
 * @param existing Names of all objects of the file.
 * @returns Statements to execute, in order.
 */
export function missingDerived(era: number, existing: ReadonlySet<string>): string[] {
  return knownSchema[era === 1 ? "1" : "3"]
    .filter(([type, name]) =>
      (type === "index" || type === "trigger") && !name.startsWith("aloe_") && !existing.has(name)
    )
    .map(([, , , sql]) => sql);
}

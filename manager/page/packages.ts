/** The addresses of package files that the page serves unchanged. */
export const PDF: string = import.meta.resolve("pdfjs-dist/package.json");
export const SWAGGER: string = import.meta.resolve("swagger-ui-dist/package.json");

/** Modules for a test that runs an editor without a browser. */
export const EDITOR_STATE: string = import.meta.resolve("@codemirror/state");
export const EDITOR_COMMANDS: string = import.meta.resolve("@codemirror/commands");

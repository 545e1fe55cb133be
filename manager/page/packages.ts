/** Where files of packages are that the page serves as they are. */
export const PDF: string = import.meta.resolve("pdfjs-dist/package.json");
export const SWAGGER: string = import.meta.resolve("swagger-ui-dist/package.json");

/** What a test drives an editor with that no browser shows. */
export const EDITOR_STATE: string = import.meta.resolve("@codemirror/state");
export const EDITOR_COMMANDS: string = import.meta.resolve("@codemirror/commands");

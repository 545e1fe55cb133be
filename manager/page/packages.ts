/** Where files of packages are that the page serves as they are. */
export const PDF: string = import.meta.resolve("pdfjs-dist/package.json");
export const SWAGGER: string = import.meta.resolve("swagger-ui-dist/package.json");

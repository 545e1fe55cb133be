import {
  getDocument,
  GlobalWorkerOptions,
  type PDFDocumentProxy,
  type PDFPageProxy,
} from "pdfjs-dist";
import { useEffect, useRef, useState } from "react";
import { Notice, Waiting } from "../components/controls.tsx";
import { count } from "../lib/format.ts";

GlobalWorkerOptions.workerSrc = "/assets/pdf/worker.mjs";

/** Draws a PDF page by page; its scripts do not run, and it loads nothing. */
export default function Pdf({ url, name }: { url: string; name: string }) {
  const [file, setFile] = useState<PDFDocumentProxy | null>(null);
  const [error, setError] = useState<string | null>(null);
  const host = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const task = getDocument({
      url,
      wasmUrl: "/assets/pdf/wasm/",
      standardFontDataUrl: "/assets/pdf/standard_fonts/",
      cMapUrl: "/assets/pdf/cmaps/",
      enableXfa: false,
    });
    task.promise.then(setFile, (problem) => setError(String(problem?.message ?? problem)));
    return () => {
      task.destroy();
    };
  }, [url]);

  if (error !== null) return <Notice tone="bad">This PDF cannot be shown: {error}</Notice>;
  if (file === null) return <Waiting />;
  return (
    <div
      ref={host}
      className="pdf"
      tabIndex={0}
      role="region"
      aria-label={`${name}, ${count(file.numPages, "page")}`}
    >
      {Array.from(
        { length: file.numPages },
        (_, index) => <Page key={index} file={file} number={index + 1} />,
      )}
    </div>
  );
}

/**
 * Draws one page when it comes near the viewport, with its text for screen
 * readers.
 */
function Page({ file, number }: { file: PDFDocumentProxy; number: number }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [page, setPage] = useState<PDFPageProxy | null>(null);
  const [text, setText] = useState("");

  useEffect(() => {
    const watcher = new IntersectionObserver((seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      watcher.disconnect();
      file.getPage(number).then(setPage, () => {});
    }, { rootMargin: "800px" });
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, [file, number]);

  useEffect(() => {
    if (page === null) return;
    const width = Math.min(box.current!.clientWidth, 900);
    const sharp = Math.min(devicePixelRatio || 1, 2);
    const scale = (width / page.getViewport({ scale: 1 }).width) * sharp;
    const viewport = page.getViewport({ scale });
    const target = canvas.current!;
    target.width = Math.floor(viewport.width);
    target.height = Math.floor(viewport.height);
    target.style.width = `${Math.floor(viewport.width / sharp)}px`;
    const task = page.render({ canvas: target, viewport });
    // Cancelled when the viewer closes first.
    task.promise.catch(() => {});
    page.getTextContent().then(
      ({ items }) => setText(items.map((item) => "str" in item ? item.str : "").join(" ")),
      () => {},
    );
    return () => task.cancel();
  }, [page]);

  return (
    <div ref={box} className={page ? "pdf-page" : "pdf-page is-blank"}>
      <canvas ref={canvas} aria-hidden />
      <p className="unseen">Page {number}. {text}</p>
    </div>
  );
}

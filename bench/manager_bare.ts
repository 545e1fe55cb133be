/**
 * What HTTP costs without a filesystem of ours: a bare `Deno.serve` that gives
 * and takes files of a folder, and answers with a constant. The first argument
 * is the folder, the second one the constant; it prints its address.
 *
 * @module
 */
const [folder, constant] = Deno.args;
const answer = new TextEncoder().encode(constant);

Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
  },
  async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/constant") {
      return new Response(answer, { headers: { "content-type": "application/json" } });
    }
    const path = `${folder}${pathname}`;
    if (request.method === "GET") {
      const file = await Deno.open(path);
      const { size } = await file.stat();
      return new Response(file.readable, { headers: { "content-length": `${size}` } });
    }
    const file = await Deno.open(path, { write: true, create: true, truncate: true });
    await request.body!.pipeTo(file.writable, { preventClose: true });
    // As much as the other side promises: what was taken is on disk.
    await file.sync();
    file.close();
    return new Response(null, { status: 201 });
  },
);

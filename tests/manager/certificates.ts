import assert from "node:assert/strict";

/**
 * Certificates for a test: an authority, the server's, a client's, and an
 * unknown client's.
 */
export async function certificates(folder: string): Promise<void> {
  const openssl = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: folder }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  for (const name of ["ca", "stranger"]) {
    await openssl(
      ...["req", "-x509", ...ec, "-keyout", `${name}.key`, "-out", `${name}.pem`],
      ...["-days", "2", "-subj", `/CN=${name}`],
    );
  }
  await Deno.writeTextFile(`${folder}/san`, "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  for (const name of ["server", "client"]) {
    await openssl(
      ...["req", ...ec, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`],
    );
    await openssl(
      ...["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key"],
      ...["-CAcreateserial", "-out", `${name}.pem`, "-days", "2", "-extfile", "san"],
    );
  }
}

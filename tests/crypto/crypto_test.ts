import { strict as assert } from "node:assert";
import fc from "fast-check";
import { AloeError } from "../../src/errors.ts";
import { KEY_LENGTH, NONCE_LENGTH, open, seal, TAG_LENGTH } from "../../src/crypto/aead.ts";
import { argon2id, portableArgon2id } from "../../src/crypto/argon2.ts";
import { lengthPrefix, wipe } from "../../src/crypto/bytes.ts";
import { chunkAddress } from "../../src/crypto/chunk_address.ts";
import { createChunkCipher, plainCipher } from "../../src/crypto/chunk_cipher.ts";
import {
  chunkKey,
  convergentNonce,
  MOUNT_NONCE_LENGTH,
  newVolumeKey,
  openMountSecret,
  sealMountSecret,
  sessionKey,
  TOKEN_LENGTH,
  unlockKey,
  unwrapVolumeKey,
  volumeHash,
  wrapVolumeKey,
} from "../../src/crypto/key_ladder.ts";
import { portableCrypto } from "../../src/crypto/portable_crypto.ts";
import { type CryptoProvider, defaultCrypto } from "../../src/crypto/provider.ts";
import { createRuntimeCrypto } from "../../src/crypto/runtime_crypto.ts";
import { sha256, sha256Hex } from "../../src/crypto/sha256.ts";
import own from "./data/format_vectors.json" with { type: "json" };

const hex = (text: string) => Uint8Array.fromHex(text);
const text = (value: string) => new TextEncoder().encode(value);
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const found = createRuntimeCrypto();
assert(found, "this runtime has node:crypto with ChaCha20-Poly1305");
const runtimeCrypto: CryptoProvider = found;
const providers: CryptoProvider[] = [runtimeCrypto, portableCrypto];

/** A chunk opens to its plaintext, and in the convergent mode is what sealing makes. */
function checkChunk(
  provider: CryptoProvider,
  key: Uint8Array,
  volumeId: string,
  chunk: {
    mode: string;
    plaintext: string;
    nonce: string;
    data: string;
    tag: string;
    address: string;
  },
) {
  const mode = chunk.mode === "random" ? "random" : "convergent";
  const cipher = createChunkCipher(volumeId, mode, key, provider);
  const stored = {
    data: hex(chunk.data),
    nonce: hex(chunk.nonce),
    tag: hex(chunk.tag),
  };
  assert.deepEqual(cipher.open(stored), hex(chunk.plaintext));
  assert.equal(chunkAddress(stored.data, provider), chunk.address);
  if (mode === "convergent") {
    assert.deepEqual(cipher.seal(hex(chunk.plaintext)), {
      ...stored,
      hash: chunk.address,
    });
  }
  cipher.destroy();
}

for (const provider of providers) {
  Deno.test(`${provider.name}: the key ladder's own cases`, () => {
    const { volume, mount, pins } = own;
    assert.deepEqual(
      volumeHash(volume.id, volume.root, provider),
      hex(volume.hash),
    );
    assert.deepEqual(
      chunkKey(hex(volume.key), volume.id, provider),
      hex(volume.chunkKey),
    );
    assert.deepEqual(
      sessionKey(hex(mount.token), hex(mount.nonce), provider),
      hex(mount.sessionKey),
    );
    for (const { unlockKey, wrapNonce, wrappedKey } of pins) {
      const wrapped = { bytes: hex(wrappedKey), nonce: hex(wrapNonce) };
      assert.deepEqual(
        wrapVolumeKey(hex(unlockKey), hex(volume.key), wrapped.nonce, provider),
        wrapped,
      );
      assert.deepEqual(
        unwrapVolumeKey(hex(unlockKey), wrapped, provider),
        hex(volume.key),
      );
      for (const other of pins) {
        if (other.unlockKey === unlockKey) continue;
        assert.equal(
          unwrapVolumeKey(hex(other.unlockKey), wrapped, provider),
          null,
        );
      }
    }
  });

  Deno.test(`${provider.name}: chunks of its own cases`, () => {
    const key = hex(own.volume.key);
    for (const { stored, address } of own.plainAddresses) {
      assert.equal(chunkAddress(hex(stored), provider), address);
    }
    for (const chunk of own.chunks) {
      checkChunk(provider, key, own.volume.id, chunk);
    }
    const cipher = createChunkCipher(
      own.volume.id,
      "convergent",
      key,
      provider,
    );
    for (const zeros of own.zeros) {
      const plaintext = new Uint8Array(zeros.length);
      assert.equal(chunkAddress(plaintext, provider), zeros.plainAddress);
      const sealed = cipher.seal(plaintext);
      assert.equal(sealed.hash, zeros.address);
      assert.equal(sealed.nonce.toHex(), zeros.nonce);
      assert.equal(sealed.tag.toHex(), zeros.tag);
      assert.deepEqual(cipher.open(sealed), plaintext);
    }
  });

  Deno.test(`${provider.name}: published cases of the primitives`, () => {
    // FIPS 180-2, appendix B.1.
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.equal(provider.sha256Hex(text("abc")), abc);
    assert.equal(provider.sha256(text("a"), text(""), text("bc")).toHex(), abc);
    assert.equal(
      provider.sha256Hex(),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    // RFC 5869, appendix A.1 and A.3.
    const secret = new Uint8Array(22).fill(0x0b);
    assert.equal(
      provider.hkdf(
        secret,
        hex("000102030405060708090a0b0c"),
        hex("f0f1f2f3f4f5f6f7f8f9"),
        42,
      )
        .toHex(),
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    );
    assert.equal(
      provider.hkdf(secret, new Uint8Array(), new Uint8Array(), 42).toHex(),
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    );
  });

  Deno.test(`${provider.name}: a flipped byte anywhere is refused`, () => {
    for (const length of [0, 1, 64, 100]) {
      const key = random(KEY_LENGTH);
      const nonce = random(NONCE_LENGTH);
      const plaintext = random(length);
      const { ciphertext, tag } = seal(key, nonce, plaintext, provider);
      assert.equal(ciphertext.length, length);
      assert.deepEqual(open(key, nonce, ciphertext, tag, provider), plaintext);
      for (const part of [key, nonce, ciphertext, tag]) {
        for (let i = 0; i < part.length; i++) {
          const flip = 1 + Math.floor(Math.random() * 255);
          part[i] ^= flip;
          assert.equal(open(key, nonce, ciphertext, tag, provider), null);
          part[i] ^= flip;
        }
      }
      assert.deepEqual(open(key, nonce, ciphertext, tag, provider), plaintext);
    }
  });

  Deno.test(`${provider.name}: a part of the wrong length is refused`, () => {
    const key = random(KEY_LENGTH);
    const nonce = random(NONCE_LENGTH);
    const { ciphertext, tag } = seal(key, nonce, text("a chunk"), provider);
    const refused = (n: Uint8Array, c: Uint8Array, t: Uint8Array) =>
      assert.equal(open(key, n, c, t, provider), null);
    // A runtime may take a tag's first four bytes for a tag.
    for (let length = 0; length < TAG_LENGTH; length++) {
      refused(nonce, ciphertext, tag.subarray(0, length));
    }
    refused(nonce, ciphertext, new Uint8Array([...tag, 0]));
    refused(nonce.subarray(0, 8), ciphertext, tag);
    refused(new Uint8Array([...nonce, 0]), ciphertext, tag);
    refused(nonce, ciphertext.subarray(1), tag);
    refused(nonce, new Uint8Array([...ciphertext, 0]), tag);
    for (const bad of [new Uint8Array(), key.subarray(1), new Uint8Array(33)]) {
      assert.throws(() => seal(bad, nonce, ciphertext, provider), RangeError);
      assert.throws(
        () => open(bad, nonce, ciphertext, tag, provider),
        RangeError,
      );
    }
    assert.throws(
      () => seal(key, nonce.subarray(1), ciphertext, provider),
      RangeError,
    );
  });

  Deno.test(`${provider.name}: a mount secret opens with its token and mount alone`, () => {
    const token = random(TOKEN_LENGTH);
    const mountNonce = random(MOUNT_NONCE_LENGTH);
    const key = newVolumeKey();
    const secret = sealMountSecret(token, mountNonce, key, provider);
    assert.notDeepEqual(
      secret,
      sealMountSecret(token, mountNonce, key, provider),
    );
    const opened = () => openMountSecret(token, mountNonce, secret, provider);
    assert.deepEqual(opened(), key);
    assert.equal(
      openMountSecret(token, mountNonce, secret.subarray(1), provider),
      null,
    );
    for (const part of [token, mountNonce, secret]) {
      for (let i = 0; i < part.length; i++) {
        part[i] ^= 0x40;
        assert.equal(opened(), null);
        part[i] ^= 0x40;
      }
    }
    assert.deepEqual(opened(), key);
  });

  Deno.test(`${provider.name}: results own their bytes and inputs stay as they are`, () => {
    const plaintext = random(5000);
    const before = plaintext.slice();
    const window = plaintext.subarray(7, 4000);
    const cipher = createChunkCipher(
      own.volume.id,
      "convergent",
      newVolumeKey(),
      provider,
    );
    const sealed = cipher.seal(window);
    assert.equal(sealed.data.constructor, Uint8Array);
    assert.equal(sealed.tag.constructor, Uint8Array);
    const opened = cipher.open(sealed);
    assert(opened);
    assert.equal(opened.constructor, Uint8Array);
    assert.deepEqual(opened, window);
    opened.fill(0);
    assert.deepEqual(plaintext, before);
    assert.deepEqual(cipher.open(sealed), window);
  });
}

Deno.test("unlock keys of the own cases", async () => {
  for (const { pin, unlockKey: expected } of own.pins) {
    assert.deepEqual(await unlockKey(pin, hex(own.volume.hash)), hex(expected));
  }
  const bytes = text(own.pins[1].pin);
  assert.deepEqual(
    await unlockKey(bytes, hex(own.volume.hash)),
    hex(own.pins[1].unlockKey),
  );
  assert.deepEqual(
    bytes,
    text(own.pins[1].pin),
    "the caller's bytes are the caller's to wipe",
  );
  await assert.rejects(
    unlockKey("\ud800", hex(own.volume.hash)),
    (error) => error instanceof AloeError && error.code === "invalid",
  );
});

Deno.test("both implementations of Argon2id agree", async () => {
  const cost = { passes: 2, memory: 64, lanes: 4 };
  const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
  await fc.assert(
    fc.asyncProperty(bytes(0, 80), bytes(8, 40), async (password, salt) => {
      assert.deepEqual(
        await argon2id(password, salt, cost),
        await portableArgon2id(password, salt, cost),
      );
    }),
    { numRuns: 15 },
  );
});

Deno.test("both implementations of the primitives agree", () => {
  const bytes = (maxLength = 300) => fc.uint8Array({ maxLength, size: "max" });
  const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(
      fixed(KEY_LENGTH),
      fixed(NONCE_LENGTH),
      bytes(3000),
      bytes(),
      (key, nonce, plaintext, other) => {
        const [a, b] = providers.map((provider) => seal(key, nonce, plaintext, provider));
        assert.deepEqual(a, b);
        assert.deepEqual(
          open(key, nonce, a.ciphertext, a.tag, portableCrypto),
          plaintext,
        );
        assert.deepEqual(
          open(key, nonce, b.ciphertext, b.tag, runtimeCrypto),
          plaintext,
        );
        for (
          const compute of [
            (p: CryptoProvider) => p.sha256(other, plaintext),
            (p: CryptoProvider) => p.sha256Hex(plaintext, other),
            (p: CryptoProvider) => p.hkdf(key, other, nonce, 32),
            (p: CryptoProvider) => p.hkdf(plaintext, nonce, other, 100),
            (p: CryptoProvider) => convergentNonce(plaintext, p),
            (p: CryptoProvider) => chunkAddress(plaintext, p),
          ]
        ) {
          assert.deepEqual(compute(runtimeCrypto), compute(portableCrypto));
        }
        assert.equal(sha256(plaintext).toHex(), sha256Hex(plaintext));
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("a length is hashed as 8 bytes, big-endian", () => {
  assert.equal(lengthPrefix(0).toHex(), "0000000000000000");
  assert.equal(lengthPrefix(0x0102_0304).toHex(), "0000000001020304");
  assert.equal(
    lengthPrefix(Number.MAX_SAFE_INTEGER).toHex(),
    "001fffffffffffff",
  );
});

Deno.test("wiping overwrites", () => {
  const [a, b] = [random(32), random(5)];
  wipe(a, b);
  assert.deepEqual(a, new Uint8Array(32));
  assert.deepEqual(b, new Uint8Array(5));
});

Deno.test("a cipher keeps its own key, and none once it is destroyed", () => {
  // Watches the derived keys, which the cipher shows nobody.
  const derived: Uint8Array[] = [];
  const watched: CryptoProvider = {
    ...runtimeCrypto,
    hkdf: (...input) => {
      derived.push(new Uint8Array(runtimeCrypto.hkdf(...input)));
      return derived.at(-1)!;
    },
  };
  const volumeKey = newVolumeKey();
  const cipher = createChunkCipher(
    own.volume.id,
    "convergent",
    volumeKey,
    watched,
  );
  wipe(volumeKey);
  const sealed = cipher.seal(text("bytes"));
  assert.deepEqual(cipher.open(sealed), text("bytes"));
  assert.ok(derived.length > 0 && derived[0].some((byte) => byte !== 0));
  cipher.destroy();
  cipher.destroy();
  for (const key of derived) assert.deepEqual(key, new Uint8Array(32));
  const gone = (error: unknown) => error instanceof AloeError && error.code === "mount_invalid";
  assert.throws(() => cipher.seal(text("bytes")), gone);
  assert.throws(() => cipher.open(sealed), gone);
});

Deno.test("random mode seals alike plaintexts differently, convergent mode alike", () => {
  const key = newVolumeKey();
  const plaintext = random(1000);
  const randomly = createChunkCipher(own.volume.id, "random", key);
  const convergent = createChunkCipher(own.volume.id, "convergent", key);
  assert.notEqual(randomly.seal(plaintext).hash, randomly.seal(plaintext).hash);
  assert.deepEqual(convergent.seal(plaintext), convergent.seal(plaintext));
  assert.notEqual(
    convergent.seal(plaintext).hash,
    convergent.seal(plaintext, true).hash,
  );
  assert.deepEqual(convergent.open(randomly.seal(plaintext)), plaintext);
  // The nonce also covers the length; the key, the volume.
  assert.notDeepEqual(
    convergentNonce(new Uint8Array(1)),
    convergentNonce(new Uint8Array(2)),
  );
  const elsewhere = createChunkCipher(own.volume.root, "convergent", key);
  assert.notEqual(
    elsewhere.seal(plaintext).hash,
    convergent.seal(plaintext).hash,
  );
  assert.equal(elsewhere.open(convergent.seal(plaintext)), null);
});

Deno.test("a fresh nonce leads a short chunk off an address that is taken", () => {
  const cipher = createChunkCipher(own.volume.id, "convergent", newVolumeKey());
  const taken = new Map<string, number>();
  for (let byte = 0; byte < 256; byte++) {
    const plaintext = new Uint8Array([byte]);
    let sealed = cipher.seal(plaintext);
    for (let tries = 0; taken.has(sealed.hash); tries++) {
      assert(tries < 10_000);
      sealed = cipher.seal(plaintext, true);
    }
    assert.deepEqual(cipher.open(sealed), plaintext);
    taken.set(sealed.hash, byte);
  }
});

Deno.test("a plain volume's chunk is the plaintext itself", () => {
  const plaintext = random(100);
  const sealed = plainCipher.seal(plaintext);
  assert.equal(sealed.data, plaintext);
  assert.equal(sealed.nonce.length, 0);
  assert.equal(sealed.tag.length, 0);
  assert.equal(sealed.hash, chunkAddress(plaintext));
  plainCipher.destroy();
  assert.equal(plainCipher.open(sealed), plaintext);
  // The empty chunk has a nonce and a tag only where there is a key.
  assert.equal(
    plainCipher.seal(new Uint8Array()).hash,
    own.plainAddresses[0].address,
  );
});

Deno.test("an encrypted volume's cipher refuses a plain chunk", () => {
  const cipher = createChunkCipher(own.volume.id, "convergent", newVolumeKey());
  assert.equal(cipher.open(plainCipher.seal(text("bytes"))), null);
  assert.equal(cipher.open(plainCipher.seal(new Uint8Array())), null);
});

Deno.test("a runtime without the cipher falls back to the portable implementation", async () => {
  assert.equal(defaultCrypto().name, "runtime");
  const node = await import("node:crypto");
  assert.equal(
    createRuntimeCrypto({ ...node, getCiphers: () => ["aes-256-gcm"] }),
    null,
  );

  // Loaded anew, as a runtime with no `process` and of another name would.
  const hidden = ["process", "Deno"].map((name) => {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
    assert(descriptor);
    return { name, descriptor };
  });
  const url = new URL("../../src/crypto/provider.ts?elsewhere", import.meta.url).href;
  let elsewhere: typeof import("../../src/crypto/provider.ts");
  try {
    for (const { name } of hidden) {
      Object.defineProperty(globalThis, name, {
        value: undefined,
        configurable: true,
      });
    }
    elsewhere = await import(url);
  } finally {
    for (const { name, descriptor } of hidden) {
      Object.defineProperty(globalThis, name, descriptor);
    }
  }
  assert.equal(elsewhere.defaultCrypto().name, "portable");
  assert.equal(
    elsewhere.defaultCrypto().sha256Hex(),
    runtimeCrypto.sha256Hex(),
  );
});

/** The reference project's own cases, where a checkout has them beside it. */
interface ReferenceVectors {
  chunk_address: { bytes: string; chunk_hash: string }[];
  volume_hash: { volume_id: string; root_node_id: string; h_v: string }[];
  unlock_key: { pin_utf8: string; h_v: string; k_u: string }[];
  chunk_key: { volume_key: string; volume_id: string; k_chunk: string }[];
  encrypt_chunk_convergent: {
    plaintext: string;
    n_c: string;
    ciphertext: string;
    tag: string;
    chunk_hash: string;
  }[];
  unwrap_volume_key: {
    k_u: string;
    wrapped_key: string;
    wrap_nonce: string;
    volume_key: string;
  }[];
  session_kek: { token: string; mount_nonce: string; kek: string }[];
  inputs: { volume_id: string; volume_key: string };
}

async function readReferenceVectors(): Promise<ReferenceVectors | null> {
  const path = new URL(
    "../../../shared/conformance/format-v1.json",
    import.meta.url,
  );
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

Deno.test("the reference's vectors, where they are present", async (test) => {
  const vectors = await readReferenceVectors();
  if (vectors === null) return;
  for (const v of vectors.unlock_key) {
    assert.deepEqual(await unlockKey(v.pin_utf8, hex(v.h_v)), hex(v.k_u));
  }
  for (const provider of providers) {
    await test.step(provider.name, () => {
      for (const v of vectors.chunk_address) {
        assert.equal(chunkAddress(hex(v.bytes), provider), v.chunk_hash);
      }
      for (const v of vectors.volume_hash) {
        assert.deepEqual(
          volumeHash(v.volume_id, v.root_node_id, provider),
          hex(v.h_v),
        );
      }
      for (const v of vectors.chunk_key) {
        assert.deepEqual(
          chunkKey(hex(v.volume_key), v.volume_id, provider),
          hex(v.k_chunk),
        );
      }
      const { volume_key, volume_id } = vectors.inputs;
      for (const v of vectors.encrypt_chunk_convergent) {
        checkChunk(provider, hex(volume_key), volume_id, {
          mode: "convergent",
          plaintext: v.plaintext,
          nonce: v.n_c,
          data: v.ciphertext,
          tag: v.tag,
          address: v.chunk_hash,
        });
      }
      for (const v of vectors.unwrap_volume_key) {
        const wrapped = { bytes: hex(v.wrapped_key), nonce: hex(v.wrap_nonce) };
        assert.deepEqual(
          unwrapVolumeKey(hex(v.k_u), wrapped, provider),
          hex(v.volume_key),
        );
        assert.deepEqual(
          wrapVolumeKey(hex(v.k_u), hex(v.volume_key), wrapped.nonce, provider),
          wrapped,
        );
      }
      for (const v of vectors.session_kek) {
        assert.deepEqual(
          sessionKey(hex(v.token), hex(v.mount_nonce), provider),
          hex(v.kek),
        );
      }
    });
  }
});

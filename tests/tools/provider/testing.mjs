// The common parts of the tests' providers: keys, requested tokens, and the endpoints below /test/.
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';

export function newKey(alg, use) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg, use };
}

export function newSigningKey() {
  return newKey('RS256', 'sig');
}

// The signature does not depend on the header, so that a test can make a token in which only the header is wrong.
const SIGNERS = {
  key: (message, key) => sign('sha256', message, createPrivateKey({ key, format: 'jwk' })),
  nobody: () => Buffer.alloc(0),
  // HS256 with the public key as the secret.
  'public key': (message, key) => {
    const secret = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    return createHmac('sha256', secret).update(message).digest();
  },
  'key of another curve': (message) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    return sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  },
};

function layOver(valid, given) {
  if (typeof given === 'string') {
    return given;
  }
  const all = Object.entries({ ...valid, ...given });
  return JSON.stringify(Object.fromEntries(all.filter(([, value]) => value !== null)));
}

// A token that is signed with `key`. The requested `header` and `claims` are merged into valid ones: null removes a member, and a
// string replaces the whole part. `signer` names another way to sign it.
export function mint(key, valid, { header = {}, claims = {}, signer = 'key' }) {
  const texts = [layOver(valid.header, header), layOver(valid.claims, claims)];
  const signed = texts.map((text) => Buffer.from(text).toString('base64url')).join('.');
  return `${signed}.${SIGNERS[signer](Buffer.from(signed), key).toString('base64url')}`;
}

export async function body(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

export function send(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

// Listens on the loopback interface, calls `started` with its address, and prints `listening on ADDRESS` when it answers. `test`
// has the endpoints below /test/, which take and return JSON. `answer` handles all other requests.
export function serve(port, { started, answer, test }) {
  const server = createServer(async (request, response) => {
    if (!request.url.startsWith('/test/')) {
      await answer(request, response);
      return;
    }
    try {
      const endpoint = test[`${request.method} ${request.url}`];
      const value = endpoint?.(JSON.parse((await body(request)) || '{}'));
      send(response, value ? 200 : 404, value ?? { error: 'unknown test endpoint' });
    } catch (error) {
      send(response, 400, { error: String(error) });
    }
  });
  server.on('error', (error) => {
    console.error(String(error));
    process.exit(1);
  });
  server.listen(Number(port ?? 0), '127.0.0.1', () => {
    const address = `http://127.0.0.1:${server.address().port}`;
    started(address);
    console.log(`listening on ${address}`);
  });
}

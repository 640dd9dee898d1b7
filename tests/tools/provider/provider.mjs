// The OpenID provider of the end-to-end tests and the demo: oidc-provider, with two machine clients whose access
// tokens are JWTs for the audience `pygeoapi`, and two endpoints that no real provider has:
//
//   POST /test/mint {"header": {..}, "claims": {..}}   a token signed with the current key, with what is given laid
//                                                      over a valid one (null takes a member away); a string stands
//                                                      for the whole part. "signer" names another way to sign it
//   POST /test/rotate                                  a new signing key under a new kid; the old one is gone
//
//   GEOWARDEN_PROVIDER_MODULES=FOLDER node provider.mjs [PORT]
//
// GEOWARDEN_PROVIDER_CALLBACK is Envoy's callback; with it there is a login page, which believes every name.
// GEOWARDEN_PROVIDER_LIFETIME is that of its tokens, in seconds.
// FOLDER is where its modules were installed; without a port the system chooses one. Says
// `listening on http://127.0.0.1:PORT` once it answers. Its secrets are no secrets: it listens on the loopback
// interface and knows nothing worth having.
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = process.env.GEOWARDEN_PROVIDER_MODULES;
if (!modules) {
  console.error('GEOWARDEN_PROVIDER_MODULES names no folder');
  process.exit(64);
}
const entry = createRequire(join(modules, 'package.json')).resolve('oidc-provider');
const { default: Provider } = await import(pathToFileURL(entry));

const AUDIENCE = 'pygeoapi';
const RESOURCE = 'urn:geowarden:pygeoapi';
// Tokens for this resource are opaque: only the provider knows what they stand for.
const OPAQUE_RESOURCE = 'urn:geowarden:opaque';
const LIFETIME = Number(process.env.GEOWARDEN_PROVIDER_LIFETIME ?? 600);
const CLIENTS = {
  osgeo: { secret: 'osgeo-secret', company: 'osgeo', groups: ['viewers', 'editors'] },
  geobeyond: { secret: 'geobeyond-secret', company: 'geobeyond', groups: ['viewers'] },
};

let issuer;
let key;
let answer;

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'RS256', use: 'sig' };
}

function newProvider() {
  return new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: [randomUUID()] },
    clients: [
      ...Object.entries(CLIENTS).map(([client_id, { secret }]) => ({
        client_id,
        client_secret: secret,
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      })),
      // Envoy, for people with a browser; where it stands is known when a test says so.
      ...(process.env.GEOWARDEN_PROVIDER_CALLBACK
        ? [
            {
              client_id: 'pygeoapi-browser',
              client_secret: 'browser-secret',
              token_endpoint_auth_method: 'client_secret_post',
              grant_types: ['authorization_code', 'refresh_token'],
              redirect_uris: [process.env.GEOWARDEN_PROVIDER_CALLBACK],
              post_logout_redirect_uris: [new URL('/', process.env.GEOWARDEN_PROVIDER_CALLBACK).href],
              response_types: ['code'],
            },
          ]
        : []),
      // The resource server, which asks about tokens.
      {
        client_id: 'geowarden',
        client_secret: 'geowarden-secret',
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: [],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      // A login page that believes every name.
      devInteractions: { enabled: Boolean(process.env.GEOWARDEN_PROVIDER_CALLBACK) },
      introspection: { enabled: true, allowedPolicy: (_context, client) => client.clientId === 'geowarden' },
      resourceIndicators: {
        enabled: true,
        // So that a client which names no resource gets a JWT too.
        defaultResource: () => RESOURCE,
        // Envoy names the resource when it sends a person to log in, and no longer when it fetches the token.
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          audience: AUDIENCE,
          scope: 'read',
          accessTokenTTL: LIFETIME,
          accessTokenFormat: resource === OPAQUE_RESOURCE ? 'opaque' : 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    scopes: ['openid', 'offline_access', 'read'],
    extraTokenClaims: (_context, token) => {
      // A person's name is that of a company's client here.
      const { company, groups } = CLIENTS[token.accountId ?? token.clientId] ?? {};
      return { company, groups };
    },
    ttl: { ClientCredentials: LIFETIME },
  });
}

function useNewKey() {
  key = newKey();
  answer = newProvider().callback();
}

function layOver(valid, given) {
  if (typeof given === 'string') {
    return given;
  }
  const all = Object.entries({ ...valid, ...given });
  return Object.fromEntries(all.filter(([, value]) => value !== null));
}

// A signature does not depend on what the header says: a wrong header is then the only thing that is wrong.
const SIGNERS = {
  key: (message) => sign('sha256', message, createPrivateKey({ key, format: 'jwk' })),
  nobody: () => Buffer.alloc(0),
  // HS256 with what everybody knows.
  'public key': (message) => {
    const secret = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    return createHmac('sha256', secret).update(message).digest();
  },
  'key of another curve': (message) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    return sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  },
};

function mint({ header = {}, claims = {}, signer = 'key' }) {
  const now = Math.floor(Date.now() / 1000);
  const parts = [
    layOver({ alg: 'RS256', typ: 'at+jwt', kid: key.kid }, header),
    layOver(
      {
        iss: issuer,
        aud: AUDIENCE,
        sub: 'osgeo',
        client_id: 'osgeo',
        company: 'osgeo',
        groups: CLIENTS.osgeo.groups,
        jti: randomUUID(),
        iat: now,
        exp: now + LIFETIME,
      },
      claims,
    ),
  ];
  const texts = parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part)));
  const signed = texts.map((text) => Buffer.from(text).toString('base64url')).join('.');
  return `${signed}.${SIGNERS[signer](Buffer.from(signed)).toString('base64url')}`;
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString() || '{}');
}

async function answerTest(request) {
  switch (`${request.method} ${request.url}`) {
    case 'POST /test/mint':
      return { token: mint(await body(request)) };
    case 'POST /test/rotate':
      useNewKey();
      return { kid: key.kid };
    default:
      return undefined;
  }
}

const server = createServer(async (request, response) => {
  if (!request.url.startsWith('/test/')) {
    answer(request, response);
    return;
  }
  const send = (status, value) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  try {
    const value = await answerTest(request);
    send(value ? 200 : 404, value ?? { error: 'unknown test endpoint' });
  } catch (error) {
    send(400, { error: String(error) });
  }
});

server.on('error', (error) => {
  console.error(String(error));
  process.exit(1);
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  useNewKey();
  console.log(`listening on ${issuer}`);
});

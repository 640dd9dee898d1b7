// The OpenID provider of the end-to-end tests and the demo: oidc-provider. The access tokens of its machine clients are JWTs
// for the audience `pygeoapi`. Two endpoints exist only for tests:
//
//   POST /test/mint      makes the requested token (testing.mjs)
//   POST /test/rotate    replaces the signing key by a new one with a new kid
//
//   GEOWARDEN_PROVIDER_MODULES=FOLDER node provider.mjs [PORT]
//
// GEOWARDEN_PROVIDER_CALLBACK is Envoy's callback. If it is set, there is a login page, which accepts every name.
// GEOWARDEN_PROVIDER_LIFETIME is the lifetime of its tokens, in seconds.
// FOLDER is the folder of the installed modules. Without a port, the system chooses one. The provider prints
// `listening on http://127.0.0.1:PORT` when it answers. The secrets are public: this provider is for tests, and only listens on
// the loopback interface.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { mint, newSigningKey, serve } from './testing.mjs';

const modules = process.env.GEOWARDEN_PROVIDER_MODULES;
if (!modules) {
  console.error('GEOWARDEN_PROVIDER_MODULES names no folder');
  process.exit(64);
}
const entry = createRequire(join(modules, 'package.json')).resolve('oidc-provider');
const { default: Provider } = await import(pathToFileURL(entry));

const AUDIENCE = 'pygeoapi';
const RESOURCE = 'urn:geowarden:pygeoapi';
// Tokens for this resource are opaque: only the provider knows their content.
const OPAQUE_RESOURCE = 'urn:geowarden:opaque';
const LIFETIME = Number(process.env.GEOWARDEN_PROVIDER_LIFETIME ?? 600);
const CLIENTS = {
  osgeo: { secret: 'osgeo-secret', company: 'osgeo', groups: ['viewers', 'editors'] },
  geobeyond: { secret: 'geobeyond-secret', company: 'geobeyond', groups: ['viewers'] },
  // A token with many groups, as in large organisations. It is larger than a cookie may be.
  ministry: {
    secret: 'ministry-secret',
    company: 'osgeo',
    groups: Array.from({ length: 120 }, () => `department:${randomUUID()}`),
  },
};

let issuer;
let key;
let answer;

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
      // Envoy, for the login in a browser. The test sets its address.
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
      // The resource server, geowarden, which asks the provider about opaque tokens.
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
      // A login page that accepts every name.
      devInteractions: { enabled: Boolean(process.env.GEOWARDEN_PROVIDER_CALLBACK) },
      introspection: { enabled: true, allowedPolicy: (_context, client) => client.clientId === 'geowarden' },
      resourceIndicators: {
        enabled: true,
        // A client that names no resource gets a JWT too.
        defaultResource: () => RESOURCE,
        // Envoy only names the resource when it sends a person to the login, and not when it fetches the token.
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
      // The name at the login is the name of a company's client.
      const { company, groups } = CLIENTS[token.accountId ?? token.clientId] ?? {};
      return { company, groups };
    },
    ttl: { ClientCredentials: LIFETIME },
  });
}

function useNewKey() {
  key = newSigningKey();
  answer = newProvider().callback();
}

function validToken() {
  const now = Math.floor(Date.now() / 1000);
  return {
    header: { alg: 'RS256', typ: 'at+jwt', kid: key.kid },
    claims: {
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
  };
}

serve(process.argv[2], {
  started(address) {
    issuer = address;
    useNewKey();
  },
  answer: (request, response) => answer(request, response),
  test: {
    'POST /test/mint': (wanted) => ({ token: mint(key, validToken(), wanted) }),
    'POST /test/rotate': () => {
      useNewKey();
      return { kid: key.kid };
    },
  },
});

// Answers exactly as Keycloak does for a realm, to programs that verify its tokens: discovery, a key set with a key for
// signatures and one for encryption, and access tokens of service accounts. Keycloak itself cannot be installed here.
//
//   node keycloak.mjs [PORT]
//
// Three endpoints exist only for tests:
//
//   POST /test/mint                        makes the requested token (testing.mjs)
//   POST /test/rotate                      makes a new active key; the old one stays published, as a passive key
//   POST /test/claim {"issuer": ISSUER}    makes the discovery document name another issuer
import { createHash, createPrivateKey, createPublicKey, randomUUID, sign } from 'node:crypto';

import { body, mint, newKey, newSigningKey, send, serve } from './testing.mjs';

const REALM = '/realms/maps';
const LIFETIME = 300;
// The roles of the service accounts: those of the realm, and those of a client.
const CLIENTS = {
  reader: { realm: ['reader'], client: ['view'] },
  stranger: { realm: [], client: ['reader'] },
};

let issuer;
let told;
// The keys for signatures. The first is the active one.
let signingKeys = [];
const encryptionKey = newKey('RSA-OAEP', 'enc');

function der(tag, ...parts) {
  const content = Buffer.concat(parts);
  const length = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

// A self-signed certificate (RFC 5280, version 1). Keycloak makes one for each key.
function certificate(key) {
  const algorithm = Buffer.from('300d06092a864886f70d01010b0500', 'hex');
  const name = der(0x30, der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('maps')))));
  const times = ['250101000000Z', '350101000000Z'].map((time) => der(0x17, Buffer.from(time)));
  const publicKey = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'der' });
  const content = der(0x30, der(0x02, Buffer.from([1])), algorithm, name, der(0x30, ...times), name, publicKey);
  const signature = sign('sha256', content, createPrivateKey({ key, format: 'jwk' }));
  return der(0x30, content, algorithm, der(0x03, Buffer.from([0]), signature));
}

function published(key) {
  const { kid, kty, alg, use, n, e } = key;
  const bytes = certificate(key);
  const thumbprint = (hash) => createHash(hash).update(bytes).digest('base64url');
  const x5c = [bytes.toString('base64')];
  return { kid, kty, alg, use, x5c, x5t: thumbprint('sha1'), 'x5t#S256': thumbprint('sha256'), n, e };
}

function discovery() {
  const endpoint = (name) => `${issuer}/protocol/openid-connect/${name}`;
  return {
    issuer: told,
    authorization_endpoint: endpoint('auth'),
    token_endpoint: endpoint('token'),
    introspection_endpoint: endpoint('token/introspect'),
    userinfo_endpoint: endpoint('userinfo'),
    end_session_endpoint: endpoint('logout'),
    frontchannel_logout_session_supported: true,
    frontchannel_logout_supported: true,
    jwks_uri: endpoint('certs'),
    check_session_iframe: endpoint('login-status-iframe.html'),
    grant_types_supported: ['authorization_code', 'client_credentials', 'implicit', 'password', 'refresh_token'],
    response_types_supported: ['code', 'none', 'id_token', 'token', 'id_token token', 'code id_token token'],
    subject_types_supported: ['public', 'pairwise'],
    id_token_signing_alg_values_supported: ['PS384', 'RS384', 'EdDSA', 'ES384', 'HS256', 'HS512', 'ES256', 'RS256'],
    token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
    claims_supported: ['aud', 'sub', 'iss', 'auth_time', 'name', 'given_name', 'family_name', 'email', 'acr'],
    scopes_supported: ['openid', 'roles', 'email', 'web-origins', 'profile', 'service_account', 'offline_access'],
    code_challenge_methods_supported: ['plain', 'S256'],
    tls_client_certificate_bound_access_tokens: true,
    revocation_endpoint: endpoint('revoke'),
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  };
}

function accessToken(client) {
  const now = Math.floor(Date.now() / 1000);
  const { realm, client: ofClient } = CLIENTS[client];
  return {
    header: { alg: 'RS256', typ: 'JWT', kid: signingKeys[0].kid },
    claims: {
      exp: now + LIFETIME,
      iat: now,
      jti: `trrtcc:${randomUUID()}`,
      iss: issuer,
      // In Keycloak, an audience mapper adds the client `pygeoapi`.
      aud: ['pygeoapi', 'account'],
      sub: randomUUID(),
      typ: 'Bearer',
      azp: client,
      acr: '1',
      'allowed-origins': ['/*'],
      realm_access: { roles: ['offline_access', 'uma_authorization', 'default-roles-maps', ...realm] },
      resource_access: {
        pygeoapi: { roles: ofClient },
        account: { roles: ['manage-account', 'manage-account-links', 'view-profile'] },
      },
      scope: 'email profile',
      email_verified: false,
      clientHost: '127.0.0.1',
      preferred_username: `service-account-${client}`,
      clientAddress: '127.0.0.1',
      client_id: client,
    },
  };
}

async function giveToken(request, response) {
  const form = new URLSearchParams(await body(request));
  const client = form.get('client_id');
  if (!Object.hasOwn(CLIENTS, client) || form.get('client_secret') !== `${client}-secret`) {
    send(response, 401, { error: 'unauthorized_client', error_description: 'Invalid client or Invalid client credentials' });
    return;
  }
  send(response, 200, {
    access_token: mint(signingKeys[0], accessToken(client), {}),
    expires_in: LIFETIME,
    refresh_expires_in: 0,
    token_type: 'Bearer',
    'not-before-policy': 0,
    scope: 'email profile',
  });
}

async function answer(request, response) {
  switch (`${request.method} ${request.url}`) {
    case `GET ${REALM}/.well-known/openid-configuration`:
      send(response, 200, discovery());
      break;
    case `GET ${REALM}/protocol/openid-connect/certs`:
      send(response, 200, { keys: [...signingKeys, encryptionKey].map(published) });
      break;
    case `POST ${REALM}/protocol/openid-connect/token`:
      await giveToken(request, response);
      break;
    default:
      send(response, 404, { error: 'HTTP 404 Not Found' });
  }
}

serve(process.argv[2], {
  started(address) {
    issuer = address + REALM;
    told = issuer;
    signingKeys = [newSigningKey()];
  },
  answer,
  test: {
    'POST /test/mint': (wanted) => ({ token: mint(signingKeys[0], accessToken('reader'), wanted) }),
    'POST /test/rotate': () => {
      signingKeys.unshift(newSigningKey());
      return { kid: signingKeys[0].kid };
    },
    'POST /test/claim': ({ issuer: other }) => {
      told = other;
      return { issuer: told };
    },
  },
});

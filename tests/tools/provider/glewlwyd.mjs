// Sets up a running glewlwyd with a new database, over its REST API.
//
//   node glewlwyd.mjs ADDRESS setup LIFETIME    the OpenID plugin `oidc`, with tokens for LIFETIME seconds; the
//                                               client `desktop` with the password grant; users with a `company`
//   node glewlwyd.mjs ADDRESS rotate            a new signing key; the old one stays published
//
// The secrets are public: this provider is for tests, and only listens on the loopback interface.
import { newSigningKey } from './testing.mjs';

const [address, command, lifetime] = process.argv.slice(2);
const api = `${address}/api`;
let cookie = '';

async function call(method, path, body) {
  const answer = await fetch(api + path, {
    method,
    headers: { cookie, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  }
  return { answer, json: text && JSON.parse(text) };
}

// Logs in as the administrator that the database's script creates.
async function logIn() {
  const { answer } = await call('POST', '/auth', { username: 'admin', password: 'password' });
  cookie = answer.headers.get('set-cookie').split(';')[0];
}

async function setUp() {
  // The audience of a token comes from its scopes.
  await call('POST', '/scope', { name: 'pygeoapi', display_name: 'pygeoapi', password_required: true });
  await call('POST', '/mod/plugin', {
    module: 'oidc',
    name: 'oidc',
    display_name: 'oidc',
    parameters: {
      iss: `${api}/oidc`,
      'jwks-private': JSON.stringify({ keys: [newSigningKey()] }),
      'jwks-show': true,
      'jwt-type': 'rsa',
      'jwt-key-size': '256',
      'access-token-duration': Number(lifetime),
      'refresh-token-duration': 3600,
      'code-duration': 600,
      'refresh-token-rolling': false,
      'allow-non-oidc': true,
      'auth-type-code-enabled': true,
      'auth-type-token-enabled': false,
      'auth-type-id-token-enabled': true,
      'auth-type-password-enabled': true,
      'auth-type-client-enabled': false,
      'auth-type-refresh-enabled': false,
      'additional-parameters': [{ 'user-parameter': 'company', 'token-parameter': 'company' }],
      // The userinfo endpoint has the same claim.
      claims: [{ name: 'company', 'user-property': 'company', type: 'string', mandatory: true }],
    },
  });
  const { json: users } = await call('GET', '/mod/user/database');
  users.parameters['data-format'].company = { multiple: false, read: true, write: true };
  await call('PUT', '/mod/user/database', users);
  await call('PUT', '/mod/user/database/reset');
  for (const company of ['osgeo', 'geobeyond']) {
    const password = `${company}-password`;
    await call('POST', '/user?source=database', { username: company, password, enabled: true, scope: ['pygeoapi'], company });
  }
  await call('POST', '/client?source=database', {
    client_id: 'desktop',
    client_secret: 'desktop-secret',
    enabled: true,
    confidential: true,
    authorization_type: ['password'],
    token_endpoint_auth_method: ['client_secret_post'],
    scope: ['pygeoapi'],
  });
}

async function rotate() {
  const { json: plugin } = await call('GET', '/mod/plugin/oidc');
  const { keys } = JSON.parse(plugin.parameters['jwks-private']);
  plugin.parameters['jwks-private'] = JSON.stringify({ keys: [newSigningKey(), ...keys] });
  await call('PUT', '/mod/plugin/oidc', plugin);
  await call('PUT', '/mod/plugin/oidc/reset');
}

const commands = { setup: setUp, rotate };
await logIn();
await commands[command]();

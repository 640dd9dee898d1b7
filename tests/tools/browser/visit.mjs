// Visits pages in Chromium as a person would, and prints what they show.
//
//   GEOWARDEN_BROWSER_MODULES=FOLDER node visit.mjs CHROMIUM STEPS
//
// FOLDER is the folder of the installed modules. STEPS is a JSON array of
//
//   {"send": {NAME: VALUE}}              sends these headers with every later request
//   {"open": URL}                        types an address
//   {"fill": SELECTOR, "text": TEXT}     fills in a field
//   {"press": SELECTOR}                  waits for a button, and presses it
//   {"find": SELECTOR}                   waits until the selector finds an element
//   {"arrive": URL}                      waits until the address begins with URL
//   {"screenshot": FILE}                 saves a picture of the page
//   {"look": NAME}                       prints what the page shows
//   {"fetch": PATH, "headers": {..}, "look": NAME}  prints what a script of the page gets
//   {"cookies": ORIGIN, "look": NAME}    prints the values of the cookies for ORIGIN
//
// Each `look` prints a line `seen {"name", "address", "status", "title", "text", "challenge", "errors"}`. `errors` are those of
// the console since the last look.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const modules = process.env.GEOWARDEN_BROWSER_MODULES;
const [executablePath, steps] = process.argv.slice(2);
if (!modules || !steps) {
  console.error('usage: GEOWARDEN_BROWSER_MODULES=FOLDER node visit.mjs CHROMIUM STEPS');
  process.exit(64);
}
const { chromium } = createRequire(join(modules, 'package.json'))('playwright-core');
// The time limit of one step. It is long, since the machine may be busy with other tests.
const LIMIT_MS = 60_000;

const browser = await chromium.launch({
  executablePath,
  timeout: LIMIT_MS,
  args: [
    // Without this option, Chromium does not run as root.
    '--no-sandbox',
    // pygeoapi's pages load styles and scripts from other hosts. Chromium must only find this machine.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
// Certificates in tests are of an authority that Chromium does not know.
const context = await browser.newContext({ ignoreHTTPSErrors: true });
context.setDefaultTimeout(LIMIT_MS);
// pygeoapi's OpenAPI page loads Swagger UI from this address.
await context.route('https://unpkg.com/swagger-ui-dist/*', (route) => {
  const name = new URL(route.request().url()).pathname.split('/').pop();
  return route.fulfill({ path: join(modules, 'node_modules/swagger-ui-dist', name) });
});
const page = await context.newPage();
let status;
let errors = new Set();
page.on('pageerror', (error) => errors.add(`${error}`));
page.on('console', (message) => {
  if (message.type() === 'error') {
    errors.add(`${message.text()} ${message.location().url}`);
  }
});
page.on('response', (response) => {
  if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) {
    status = response.status();
  }
});

function tell(name, seen) {
  console.log(`seen ${JSON.stringify({ name, address: page.url(), errors: [...errors].sort(), ...seen })}`);
  errors = new Set();
}

async function take(step) {
  if (step.send) {
    await context.setExtraHTTPHeaders(step.send);
  } else if (step.open) {
    await page.goto(step.open);
  } else if (step.fill) {
    await page.fill(step.fill, step.text);
  } else if (step.press) {
    await page.click(step.press);
  } else if (step.find) {
    await page.waitForSelector(step.find);
  } else if (step.arrive) {
    await page.waitForURL((url) => url.href.startsWith(step.arrive));
  } else if (step.screenshot) {
    await page.screenshot({ path: step.screenshot });
  } else if (step.fetch) {
    const answer = await page.evaluate(async ({ path, headers }) => {
      const answer = await fetch(path, { headers });
      const challenge = answer.headers.get('www-authenticate');
      return { status: answer.status, text: await answer.text(), challenge };
    }, { path: step.fetch, headers: step.headers ?? {} });
    tell(step.look, answer);
  } else if (step.cookies) {
    const cookies = await context.cookies(step.cookies);
    tell(step.look, { text: cookies.map(({ value }) => value).join('\n') });
  } else if (step.look) {
    tell(step.look, { status, title: await page.title(), text: await page.innerText('body') });
  } else {
    throw new Error('no such step');
  }
}

try {
  for (const step of JSON.parse(steps)) {
    try {
      await take(step);
    } catch (error) {
      const text = await page.innerText('body').catch(() => '');
      console.error(`${JSON.stringify(step)} at ${page.url()} (${status}): ${error}\nThe page says: ${text}`);
      process.exitCode = 1;
      break;
    }
  }
} finally {
  await browser.close();
}

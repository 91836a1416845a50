/**
 * `npm run site`: builds the site (cli/website/site-build.ts) and serves it on this machine, with its security headers.
 *
 *   node cli/website/site.ts [--home <folder>] [--results <folder>] [--port 4173] [--serve-only]
 */
import { parseArgs } from 'node:util';
import { InputError } from '../../contracts/errors.ts';
import { SITE_FOLDER, SITE_OPTIONS, buildSite, runScript } from './site-build.ts';
import { serveSite } from './site-server.ts';

const DEFAULT_PORT = 4173;

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      ...SITE_OPTIONS,
      port: { type: 'string', default: String(DEFAULT_PORT) },
      'serve-only': { type: 'boolean', default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new InputError(`--port: expected 0 to 65535, got "${values.port}"`);
  }
  if (!values['serve-only']) await buildSite({ ...values, address: null, onProgress: (text) => console.error(text) });
  const { url } = await serveSite(SITE_FOLDER, { port });
  console.log(`the site is at ${url}/ until Ctrl-C`);
});

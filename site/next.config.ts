/** Static export of the site: no server, publishable to any static host, also below a path. cli/website/site-build.ts sets SITE_ORIGIN and SITE_BASE_PATH. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NextConfig } from 'next';

const root = join(import.meta.dirname, '..');
const basePath = process.env.SITE_BASE_PATH ?? '';

const config: NextConfig = {
  output: 'export',
  trailingSlash: true,
  basePath,
  env: {
    SITE_BASE_PATH: basePath,
    SITE_ROOT: root,
    SITE_QUERIES: pathToFileURL(join(root, 'drizzle/queries.ts')).href,
  },
  turbopack: { root },
  outputFileTracingRoot: root,
  serverExternalPackages: ['better-sqlite3'],
  poweredByHeader: false,
  reactStrictMode: true,
  // Types are checked by `npm run types`, of site/ and of everything it imports together.
  typescript: { ignoreBuildErrors: true },
};

export default config;

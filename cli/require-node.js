/**
 * Ends the process with one line where this Node cannot run TypeScript. Plain JavaScript, so that an older Node can load it:
 * `import` it before any .ts file. Node runs TypeScript without a flag from 22.18 and 23.6 on:
 * https://nodejs.org/api/typescript.html
 */
const [major, minor] = process.versions.node.split('.').map(Number);
const runsTypeScript = major === 22 ? minor >= 18 : major === 23 ? minor >= 6 : major > 23;

if (!runsTypeScript) {
  process.stderr.write(
    `error: ShrinkRank needs Node 22.18 or newer (of Node 23: 23.6), and this is Node ${process.versions.node}. ` +
      'On Linux x64, npm ci installs Node 24 and npm run uses it; elsewhere install it from https://nodejs.org.\n',
  );
  process.exit(2);
}

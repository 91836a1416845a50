#!/usr/bin/env node
/** `shrinkrank <command>`: checks the version of Node before it loads TypeScript. */
import './require-node.js';

await import('./index.ts');

#!/usr/bin/env node
/** `shrinkrank <command>`: checks the version of Node, and where its code runs, before it loads TypeScript. */
import './require-node.js';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runnableFolder } from './run-package.js';

const folder = dirname(import.meta.dirname);
const runnable = runnableFolder(folder);
// Rows and results of an installed package lie where it is called.
if (runnable !== folder) process.env.SHRINKRANK_FOLDER ??= process.cwd();
await import(pathToFileURL(join(runnable, 'cli/index.ts')).href);

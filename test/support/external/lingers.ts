import * as v from 'valibot';
import { defineExternalMethod } from '../../../methods/shared/external/external-method.ts';

/** Leaves its own id and that of its child in the home folder, and waits. */
const PROGRAM = `
  const child = require('node:child_process').spawn('sleep', ['600']);
  require('node:fs').writeFileSync(process.env.HOME + '/pids', process.pid + ' ' + child.pid);
  setInterval(() => {}, 1000);
`;

export default defineExternalMethod({
  id: 'lingers',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Starts a process and waits for ever.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  command: [process.execPath, '-e', PROGRAM, '--'],
});

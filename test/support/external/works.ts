import * as v from 'valibot';
import { defineExternalMethod } from '../../../methods/shared/external/external-method.ts';

/** Half a second of processor time and 200 MB, in a process of its own. */
const PROGRAM = `
  const memory = Buffer.alloc(2e8, 1);
  while (process.cpuUsage().user < 500_000);
  const folder = process.argv.at(-1);
  require('node:fs').copyFileSync(folder + '/input/model.onnx', folder + '/output/model.onnx');
`;

export default defineExternalMethod({
  id: 'works',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  control: true,
  description: 'Works outside for a while and leaves the model as it is.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  command: [process.execPath, '-e', PROGRAM, '--'],
});

/** `shrinkrank study <id>`: measures what a study compares, judges its relations and writes the answer to results/studies/. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineCommand, runCommand } from 'citty';
import { homeOption, openHomeStore } from '../setup/home.ts';
import { judgeStudy } from '../setup/judge-study.ts';
import { EXIT_CODES, print } from '../setup/output.ts';
import { REPOSITORY_ROOT, findById } from '../setup/registry.ts';
import { renderStudy } from '../render/render-study.ts';
import run from './run.ts';
import { studies } from '../../studies/index.ts';

export default defineCommand({
  meta: { name: 'study', description: 'Measure what a study compares and write down which relations hold.' },
  args: {
    id: { type: 'positional', description: studies.map(({ id }) => id).join(', '), required: true },
    measure: {
      type: 'boolean',
      description: 'Measure what the store lacks; --no-measure judges what it holds',
      default: true,
    },
    to: { type: 'string', description: 'Folder of the answer', default: join(REPOSITORY_ROOT, 'results/studies') },
    home: homeOption,
    quiet: { type: 'boolean', description: 'No progress on standard error', default: false },
  },
  async run({ args }) {
    const study = findById('study', studies, args.id);
    if (args.measure) {
      const rawArgs = ['--suite', study.id, ...(args.quiet ? ['--quiet'] : [])];
      if (args.home !== undefined) rawArgs.push('--home', args.home);
      const { result } = await runCommand(run, { rawArgs });
      if (result !== EXIT_CODES.done) return result;
    }
    const store = openHomeStore(args.home);
    try {
      const folder = resolve(args.to);
      mkdirSync(folder, { recursive: true });
      const file = join(folder, `${study.id}.md`);
      writeFileSync(file, renderStudy(study, judgeStudy(store, study)));
      print(file);
    } finally {
      store.close();
    }
    return EXIT_CODES.done;
  },
});

/** `shrinkrank study <id>`: measures what a study compares, judges its relations and writes the answer to results/studies/. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createCommand } from '../setup/command.ts';
import { homeOption, openHomeStore } from '../setup/home.ts';
import { judgeStudy } from '../setup/judge-study.ts';
import { EXIT_CODES, print } from '../setup/output.ts';
import { WORKING_FOLDER, findById } from '../setup/registry.ts';
import { renderStudy } from '../render/render-study.ts';
import run from './run.ts';
import { studies } from '../../studies/index.ts';

export default createCommand({
  name: 'study',
  description: 'Measure what a study compares, judge its relations and write the answer as a Markdown page.',
  examples: [
    { line: 'study training-pays', does: 'Measure what is missing, then write results/studies/training-pays.md.' },
    { line: 'study orderings --no-measure --to answers', does: 'Answer from the rows in the store.' },
  ],
  args: {
    id: { type: 'positional', description: studies.map(({ id }) => id).join(', '), required: true },
    measure: {
      type: 'boolean',
      description: 'Measure what the store lacks; --no-measure only judges the rows it holds',
      default: true,
    },
    to: {
      type: 'string',
      description: 'Folder that the page is written to (default: results/studies)',
      valueHint: 'folder',
      default: join(WORKING_FOLDER, 'results/studies'),
    },
    home: homeOption,
    quiet: { type: 'boolean', description: 'Show no progress', default: false },
  },
  async run({ args }) {
    const study = findById('study', studies, args.id);
    if (args.measure) {
      const rawArgs = ['--suite', study.id, ...(args.quiet ? ['--quiet'] : [])];
      if (args.home !== undefined) rawArgs.push('--home', args.home);
      const exitCode = await run.run(rawArgs);
      if (exitCode !== EXIT_CODES.done) return exitCode;
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

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Store, openStore } from '../../../drizzle/client.ts';
import { leaderboard } from '../../../board/derive/leaderboard.ts';
import type { Method } from '../../../engine/definitions/method.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import dense from '../../../methods/control/dense.ts';
import { readReport } from '../../../cli/authors/method-contract.ts';
import { isReady, renderReport, standingsOf } from '../../../cli/authors/method-report.ts';
import { chooseContenders } from '../../../cli/authors/method-rivals.ts';
import { fillBoard } from '../../support/board.ts';

const place = { model: 'stories260k', task: 'tinystories-perplexity' };
let folder = '';
let store: Store;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'shrinkrank-report-'));
  store = openStore(join(folder, 'store.sqlite'));
  fillBoard(store, place);
});
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});
const standing = (method: string) => standingsOf(store, { method, ...place });
const contract = { kept: 12, broken: [], refused: [], wallSeconds: 3 };

describe('standingsOf', () => {
  it('compares each variant with the best of its class besides itself, and with dense', () => {
    const { standings, failures, metric } = standing('rounding');
    expect(metric).toBe('perplexity');
    expect(failures).toEqual([]);
    const w4 = standings.find(({ variant }) => variant === 'w4');
    expect(w4).toMatchObject({ weightClass: '4×', smaller: '5.00×', againstBest: { against: 'training/w4' } });
    // 0.1 nats more on every token: exp(0.1) - 1; and 0.2 more than dense: exp(0.2) - 1.
    expect(w4?.againstBest?.text).toMatch(/^10\.52 \[10\.52, 10\.52\] %, p < 0\.001, worse$/);
    expect(w4?.againstDense?.text).toMatch(/^22\.14 \[22\.14, 22\.14\] %, p < 0\.001, worse$/);
    expect(w4?.rank).toBe('2 of 2');
    const [better] = standing('training').standings;
    expect(better?.againstBest).toMatchObject({ against: 'rounding/w4' });
    expect(better?.againstBest?.text).toMatch(/better$/);
  });

  it('reports failures with their reason, and excludes rows of older code', () => {
    const { standings, failures } = standing('cutting');
    expect(standings).toEqual([]);
    expect(failures).toContainEqual({
      name: 'cutting/s90',
      reason: 'trial timeout: not finished after 4 s; stopped',
    });
  });
});

describe('renderReport', () => {
  const report = { id: 'rounding', declaration: [], contract, boards: [], undone: [] };

  it('is ready only when nothing is wrong', () => {
    const boards = [standing('rounding')];
    expect(isReady({ ...report, boards })).toBe(true);
    expect(isReady({ ...report, boards, declaration: ['no citation'] })).toBe(false);
    expect(isReady({ ...report, boards, undone: ['rounding/w4: killed'] })).toBe(false);
    expect(isReady({ ...report, boards: [standing('cutting')] })).toBe(false);
    expect(isReady({ ...report, boards, contract: null })).toBe(false);
    const broken = { ...contract, broken: [{ promise: 'is smaller', reason: 'Error: larger' }] };
    expect(isReady({ ...report, boards, contract: broken })).toBe(false);
    expect(renderReport({ ...report, boards, contract: broken })).toContain('- is smaller: Error: larger');
  });

  it('shows the variants in a table with aligned columns', () => {
    const text = renderReport({ ...report, boards: [standing('rounding')] });
    expect(text).toMatch(/^# rounding: ready\n/);
    const rows = text.split('\n').filter((line) => line.startsWith('| w') || line.startsWith('| variant | class'));
    const [first = ''] = rows;
    expect(rows.filter((row) => row.length === first.length).length).toBe(3);
  });

  it('treats a method’s text as text, not as Markdown', () => {
    const reason = 'Error: <img src=x>\n# title | [a](https://evil.example) @everyone `code`';
    const text = renderReport({ ...report, undone: [reason] });
    expect(renderReport({ ...report, undone: ['> quoted', '# title'] })).toContain('- \\> quoted\n- \\# title\n');
    expect(text).toContain('- Error: \\<img src=x> # title \\| \\[a](https://evil.example) \\@everyone \\`code\\`\n');
  });
});

describe('chooseContenders', () => {
  const entries = () => leaderboard(store, { ...place, protocol: PROTOCOL.version }).entries;
  const method = (id: string, changes: Partial<Method> = {}): Method => ({
    ...dense,
    id,
    family: 'quantization',
    control: false,
    variants: { w8: {}, w4: {} },
    ...changes,
  });
  const methods = [
    method('mine'),
    method('rounding'),
    method('other'),
    method('tying', { family: 'sharing' }),
    method('dense', { control: true }),
    method('guessing', { control: true }),
    method('training', { access: 'trained' }),
  ];

  const listed = methods.map((listedMethod) => ({ registration: { method: listedMethod, file: '' }, variant: 'w4' }));
  const choose = (mine: Method, published = entries()) => chooseContenders(mine, { methods, listed, published });

  it('takes the method, the controls and the best published low-cost variant of each class', () => {
    expect(choose(method('mine'))).toEqual(['mine', 'dense', 'guessing', 'rounding/w8', 'rounding/w4']);
  });

  it('adds the suite’s variants of a family without published results', () => {
    const contenders = choose(method('mine', { family: 'sharing' }));
    expect(contenders).toEqual(['mine', 'dense', 'guessing', 'rounding/w8', 'rounding/w4', 'tying/w4']);
  });

  it('uses all low-cost variants of the suite where nothing was published', () => {
    expect(choose(method('mine'), [])).toEqual(['mine', 'dense', 'guessing', 'rounding/w4', 'other/w4', 'tying/w4']);
  });
});

describe('readReport', () => {
  const test = (fullName: string, status: string, failureMessages: readonly string[] = []) => ({
    fullName,
    status,
    failureMessages,
  });

  it('counts the promises of one method and gives the first line of what broke', () => {
    const assertionResults = [
      test('rtn says what it is', 'passed'),
      test('rtn on tiny-gpt w4 stops when it is told to', 'failed', ['AssertionError: no\n    at file']),
      test('rtn-like says what it is', 'failed'),
      test('gptq says what it is', 'skipped'),
    ];
    expect(readReport({ testResults: [{ assertionResults }] }, 'rtn')).toEqual({
      kept: 1,
      broken: [{ promise: 'on tiny-gpt w4 stops when it is told to', reason: 'AssertionError: no' }],
      refused: [],
    });
  });

  it('reports what the method refuses once for each variant and model, and counts none of it as kept', () => {
    const refusedTest = (variant: string, name: string) => ({
      ...test(`rtn on tiny-bert ${variant} ${name}`, 'skipped'),
      meta: { refused: { variant, model: 'tiny-bert', reason: 'tiny-bert has no linear layer' } },
    });
    const assertionResults = [
      test('rtn says what it is', 'passed'),
      refusedTest('w4', 'gives a file that loads'),
      refusedTest('w4', 'stops when it is told to'),
      refusedTest('w8', 'gives a file that loads'),
      test('rtn is accepted by at least one architecture', 'failed', [
        'AssertionError: rtn refuses every architecture',
      ]),
    ];
    const found = readReport({ testResults: [{ assertionResults }] }, 'rtn');
    expect(found.kept).toBe(1);
    expect(found.broken.map(({ promise }) => promise)).toEqual(['is accepted by at least one architecture']);
    expect(found.refused.map(({ variant, model }) => [variant, model])).toEqual([
      ['w4', 'tiny-bert'],
      ['w8', 'tiny-bert'],
    ]);
    const text = renderReport({
      id: 'rtn',
      declaration: [],
      contract: { ...found, wallSeconds: 1 },
      boards: [],
      undone: [],
    });
    expect(text).toContain('1 promises kept, 1 broken');
    expect(text).toContain('- refused tiny-bert (w4, w8): tiny-bert has no linear layer');
  });

  it('refuses a report without results for the method, quoting the suite’s output', () => {
    const testResults = [{ message: 'SyntaxError: half a method', assertionResults: [] }];
    expect(() => readReport({ testResults }, 'rtn')).toThrow(/could not examine rtn: SyntaxError: half a method/);
  });
});

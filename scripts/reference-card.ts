/**
 * The card of an embedded reference model, from the record of its training. `node scripts/reference-card.ts` writes the
 * cards of all records in models/tinyworld/ again.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markdownTable } from '../cli/render/markdown-table.ts';
import type { Metric } from '../contracts/dataset.ts';
import type { Estimate } from '../contracts/result.ts';

export interface PhaseRecord {
  readonly objective: string;
  readonly dataset: string;
  readonly steps: number;
  /** Padding included, where rows are padded and not packed. */
  readonly tokens: number;
  readonly arrangement: 'pad' | 'pack';
  readonly batch: number;
  readonly sequence: number;
  /** The highest of the schedule. */
  readonly learningRate: number;
  readonly seconds: number;
  /** Of the validation split. */
  readonly metric: Metric;
  readonly validation: readonly { readonly step: number; readonly validation: number }[];
  /** Means over the steps since the entry before, nats. */
  readonly training: readonly { readonly step: number; readonly loss: number }[];
}

export interface ReferenceRecord {
  readonly model: string;
  readonly seed: string;
  readonly sha256: string;
  readonly fileBytes: number;
  readonly parameters: number;
  readonly machine: string;
  readonly seconds: number;
  readonly phases: readonly PhaseRecord[];
  /** On the test items. */
  readonly tasks: readonly {
    readonly task: string;
    readonly metric: Metric;
    readonly items: number;
    readonly chance?: number;
    readonly estimate: Estimate;
    readonly slices: readonly { readonly slice: string; readonly items: number; readonly estimate: Estimate }[];
  }[];
}

/** Markdown. */
export function renderReferenceCard(record: ReferenceRecord): string {
  const { model, parameters, fileBytes, seconds, seed, machine, sha256 } = record;
  return `# ${model}

Trained from nothing on TinyWorld ([its card](../../datasets/tinyworld.md)) by ShrinkRank's own engine. To make it again:

\`\`\`
npm run train-reference -- ${model}
\`\`\`

${(parameters / 1e6).toFixed(2)} million weights, ${(fileBytes / 1e6).toFixed(2)} MB, ${duration(seconds)} on ${machine}. Seed \`${seed}\`,
sha256 \`${sha256}\`. Licence: CC0-1.0.

## On the test items

${testTable(record)}

## Learning curve

${record.phases.map(phaseText).join('\n\n')}
`;
}

function testTable({ tasks }: ReferenceRecord): string {
  const rows = tasks.flatMap(({ task, metric, items, chance, estimate, slices }) => [
    [task, items, figure(estimate, metric), chance === undefined ? '' : percent(chance)],
    ...slices.map((slice) => [`– ${slice.slice}`, slice.items, figure(slice.estimate, metric), '']),
  ]);
  return table(['task', 'items', 'value, 95 % interval', 'chance'], rows);
}

function phaseText(phase: PhaseRecord): string {
  const { objective, dataset, steps, tokens, batch, sequence, learningRate, seconds, metric, validation } = phase;
  const filling = phase.arrangement === 'pack' ? 'packed' : 'padding included';
  const points = new Map(validation.map((point) => [point.step, point.validation]));
  const rows = phase.training.map(({ step, loss }) => {
    const value = points.get(step);
    return [step, loss.toFixed(3), value === undefined ? '' : single(value, metric)];
  });
  const head = ['step', 'training loss, nats', `validation ${metric}`];
  return (
    `**${objective}** on \`${dataset}\`: ${steps} steps of ${batch} × ${sequence} tokens (${(tokens / 1e6).toFixed(1)} million, ${filling}), ` +
    `AdamW, learning rate up to ${learningRate}, ${duration(seconds)}.\n\n${table(head, rows)}`
  );
}

/** Words in the first column, figures in the others. */
function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return markdownTable(head, rows, { alignments: head.map((_, at) => (at === 0 ? 'left' : 'right')) });
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function single(value: number, metric: Metric): string {
  return metric === 'perplexity' ? value.toFixed(3) : percent(value);
}

function figure({ value, low, high }: Estimate, metric: Metric): string {
  return `${single(value, metric)} [${single(low, metric)}, ${single(high, metric)}]`;
}

function duration(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = resolve(import.meta.dirname, '../models/tinyworld');
  for (const file of readdirSync(folder).filter((name) => /^tinyworld-.*\.json$/.test(name))) {
    const record = JSON.parse(readFileSync(join(folder, file), 'utf8')) as ReferenceRecord;
    writeFileSync(join(folder, `${record.model}.md`), renderReferenceCard(record));
  }
}

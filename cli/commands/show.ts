/** `shrinkrank show gptq/w4g32`: everything the store knows of one variant. */
import { styleText } from 'node:util';
import { createCommand } from '../setup/command.ts';
import { type BoardTrial, readCatalog, trialDetail } from '../../drizzle/queries.ts';
import type { BoardEntry } from '../../board/derive/leaderboard.ts';
import type { Store } from '../../drizzle/client.ts';
import { findEntry, placeOf, placeOptions } from '../setup/find-entry.ts';
import { outputColumns, renderHanging, wrapParts } from '../setup/columns.ts';
import { formatBytes, formatCost, formatEstimate, formatRatio, formatSeconds } from '../../contracts/words/figures.ts';
import { homeOption, jsonOption, openHomeStore } from '../setup/home.ts';
import {
  METRIC_WORDS,
  changeOfScore,
  formatPercent,
  formatPlainQuality,
  formatQualityEstimate,
} from '../../contracts/words/metric.ts';
import type { Metric } from '../../contracts/dataset.ts';
import type { Distance } from '../../contracts/result.ts';
import { print, printJson } from '../setup/output.ts';

export default createCommand({
  name: 'show',
  description:
    'Show everything known about one variant: parameters, quality, size, speed, memory and cost of each seed.',
  examples: [
    { line: 'show gptq/w4g32', does: 'One variant on the first model and task of the quick suite.' },
    { line: 'show rtn/w4g32 --model stories260k', does: 'The same on another model.' },
  ],
  args: {
    variant: { type: 'positional', description: 'method/variant', required: true },
    ...placeOptions,
    home: homeOption,
    json: jsonOption,
  },
  run({ args }) {
    const store = openHomeStore(args.home);
    try {
      const entry = findEntry(store, placeOf(args), args.variant);
      if (args.json) printJson({ entry, trials: entry.trials.map(({ key }) => trialDetail(store, key)) });
      else print(renderEntry(store, entry, outputColumns()));
    } finally {
      store.close();
    }
  },
});

export function renderEntry(store: Store, entry: BoardEntry, columns: number): string {
  const method = readCatalog(store).methods.find(({ id }) => id === entry.method);
  const title = `${entry.method}/${entry.variant}`;
  const facts = [entry.family, entry.costClass, `access: ${entry.access}`, entry.control ? 'control' : ''].filter(
    Boolean,
  );
  const lines: string[] = [];
  if (method) {
    const { title: paper, authors, year, url } = method.paper;
    lines.push(
      method.description,
      `${authors} (${year}): ${paper} ${url}`,
      `source: ${method.sourceFile}, licence: ${method.licence}`,
    );
  }
  lines.push(`params: ${JSON.stringify(entry.params)}`);
  for (const note of entry.notes) lines.push(`note: ${note}`);
  if (entry.simulated !== null) lines.push(`simulated: ${entry.simulated}`);
  return [
    ...wrapParts([styleText('bold', title), ...facts], { separator: ' · ', columns }),
    ...lines.flatMap((line) => wrapParts(line.split(' '), { separator: ' ', columns })),
    ...entry.trials.flatMap((trial) => ['', ...renderTrial(trial, entry, columns)]),
  ].join('\n');
}

function renderTrial(trial: BoardTrial, entry: BoardEntry, columns: number): string[] {
  const rows: (readonly [string, string])[] = [
    ['status', trial.reason === null ? trial.status : `${trial.status}: ${trial.reason}`],
  ];
  const { size, cost, evaluation, measurement } = trial;
  if (trial.artifact !== null) rows.push(['artifact', `sha256 ${trial.artifact}`]);
  if (size) {
    const ratio = entry.ratio === null ? '' : ` (${formatRatio(entry.ratio)} smaller than dense)`;
    rows.push(
      [
        'as shipped (zstd)',
        `${formatBytes(size.zstdBytes)}${ratio}; without embedding ${formatBytes(size.zstdBytesWithoutEmbedding)}`,
      ],
      ['ONNX file', `${formatBytes(size.fileBytes)}; without embedding ${formatBytes(size.fileBytesWithoutEmbedding)}`],
      ['parameters', `${size.parameters}, of which not zero ${size.nonZeroParameters}`],
    );
  }
  if (cost) {
    const device = cost.deviceSeconds === null ? '' : `${formatCost(cost.deviceSeconds)} of the accelerator, `;
    rows.push([
      'compression cost',
      `${device}${formatCost(cost.cpuSeconds)} of the processor, ${formatSeconds(cost.wallSeconds)} on the clock, peak ${formatBytes(cost.peakMemoryBytes)}, ` +
        `${cost.tokensSeen} tokens seen, ${cost.gradientSteps} gradient steps`,
    ]);
  }
  if (evaluation?.quality && evaluation.distance) {
    const { quality, distance } = evaluation;
    const { metric } = quality;
    const words = METRIC_WORDS[metric];
    const inSample = evaluation.inSample ? ' (in-sample)' : '';
    rows.push(
      [
        words.title,
        `${formatQualityEstimate(quality, 4)}; dense ${formatPlainQuality(metric, quality.dense)}${inSample}`,
      ],
      ...(quality.slices ?? []).map(
        ({ slice, estimate, dense, items }) =>
          [
            `  ${slice}`,
            `${formatQualityEstimate({ metric, estimate }, 4)}; dense ${formatPlainQuality(metric, dense)}; ${items} items`,
          ] as const,
      ),
      ...distanceRows(metric, distance),
      [
        'test items',
        `${quality.items} items` + (metric === 'perplexity' ? `, ${quality.tokens} predicted tokens` : ''),
      ],
    );
  } else if (evaluation) rows.push(['evaluation', `${evaluation.status}: ${evaluation.reason}`]);
  for (const shape of measurement?.latency ?? []) {
    rows.push([
      `latency ${shape.shape}`,
      `p50 ${shape.p50Ms.toFixed(3)} ms, p95 ${shape.p95Ms.toFixed(3)} ms; dense p50 ${shape.denseP50Ms.toFixed(3)} ms; ` +
        `${formatEstimate(shape.speedUp, 2)} times as fast as dense${shape.noisy ? ' (noisy)' : ''}`,
    ]);
  }
  if (measurement && measurement.residentMemoryBytes !== null && measurement.denseResidentMemoryBytes !== null) {
    rows.push([
      'resident memory',
      `${formatBytes(measurement.residentMemoryBytes)}; dense ${formatBytes(measurement.denseResidentMemoryBytes)}`,
    ]);
  }
  if (measurement?.speedExclusion) rows.push(['latency', `not counted: ${measurement.speedExclusion}`]);
  for (const finding of measurement?.findings ?? []) rows.push(['on the device', finding]);
  if (measurement && measurement.status !== 'completed')
    rows.push(['measurement', `${measurement.status}: ${measurement.reason}`]);
  rows.push(['run', `${trial.run}, started ${trial.startedAt}`], ['key', trial.key]);
  const aligned = rows.flatMap(([name, value]) => value.split('\n').map((line, i) => [i === 0 ? name : '', line]));
  const lines = renderHanging(
    aligned.map(([name = '', line = '']) => [styleText('dim', name), line]),
    { alignments: ['left', 'left'], columns: columns - 2 },
  );
  return [
    styleText('bold', `seed ${trial.seed}`) + (trial.stale ? ' (stale: from older code)' : ''),
    ...lines.map((line) => `  ${line}`),
  ];
}

/** How far from dense: by decisions, or where scores are given by their change. */
function distanceRows(metric: Metric, distance: Distance): readonly (readonly [string, string])[] {
  const { loss, decision, sameTop, score } = METRIC_WORDS[metric];
  if (sameTop === undefined) {
    return [
      [`Δ ${loss}`, `${formatEstimate(distance.deltaLogPerplexity, 5)} per ${decision}`],
      [
        `change of ${score}`,
        `${formatEstimate(changeOfScore(distance.klDivergence), 5)} per ${decision}, root mean square`,
      ],
    ];
  }
  return [
    [`Δ ${loss}`, `${formatEstimate(distance.deltaLogPerplexity, 5)} nats per ${decision}`],
    ['KL from dense', `${formatEstimate(distance.klDivergence, 5)} nats per ${decision}`],
    [sameTop, formatPercent(distance.sameTop)],
    ['right → wrong', `${formatPercent(distance.correctToIncorrect)} of ${decision}s`],
    ['wrong → right', `${formatPercent(distance.incorrectToCorrect)} of ${decision}s`],
  ];
}

'use client';
/** Everything known of one trial and its artifact, read from the API under the key in the address. */
import type { ReactNode } from 'react';
import type { Estimate, Result } from '../../drizzle/queries.ts';
import { apiPaths } from '../lib/api-paths.ts';
import {
  NONE,
  STATUS_WORDS,
  formatBytes,
  formatCost,
  formatCount,
  formatFigure,
  formatMilliseconds,
  formatQuality,
  formatQualityInterval,
  formatRatio,
  formatSeconds,
  formatShare,
  formatTime,
} from '../lib/format.ts';
import { METRIC_WORDS, changeOfScore } from '../../contracts/words/metric.ts';
import { metricWords } from '../lib/metric.ts';
import { paths, siteHref } from '../lib/paths.ts';
import { boardOfResult, runHref } from '../lib/result-links.ts';
import { useAddress, useReady } from '../lib/use-address.ts';
import { useJson } from '../lib/use-json.ts';
import { visibleText } from '../lib/visible-text.ts';
import { MachineFacts } from './machine-facts.tsx';
import { Name } from './name.tsx';
import { PageHead } from './page-head.tsx';
import { SamplesPlot } from './samples-plot.tsx';
import { TableScroll } from './table-scroll.tsx';
import { TableHead, numeric } from './table-head.tsx';

const KEY = /^[0-9a-f]{64}$/;

export function ResultView() {
  const [address] = useAddress();
  const ready = useReady();
  const key = address.get('key') ?? '';
  const sound = KEY.test(key);
  const fetched = useJson<Result>(sound ? apiPaths.result(key) : null);
  const above = { href: paths.leaderboard, title: 'Leaderboard' };
  if (fetched.state === 'loaded') return <ResultDetail result={fetched.value} />;
  if (!ready || fetched.state === 'loading') {
    return (
      <PageHead above={above} title="Result">
        <p role="status">Fetching the row …</p>
      </PageHead>
    );
  }
  return (
    <PageHead above={above} title="No such result">
      <p role="alert">
        {!sound
          ? 'The address names no key of a trial: 64 hex digits after ?key=.'
          : fetched.state === 'failed' && !fetched.missing
            ? `It could not be fetched: ${fetched.message}. Try again later.`
            : 'This site holds no row under this key. It may be of another store, or newer than the site.'}
      </p>
    </PageHead>
  );
}

function ResultDetail({ result }: { readonly result: Result }) {
  const standing = result.trials.find(({ effective }) => effective) ?? result.trials[0];
  const { artifact, cost } = standing ?? {};
  return (
    <>
      <PageHead
        above={{ href: paths.leaderboard, title: 'Leaderboard' }}
        title={
          <>
            <Name text={result.method} />/<Name text={result.variant} />
          </>
        }
      >
        <p>
          <Name text={result.model} />, seed {result.seed}, {result.control ? 'control' : result.costClass},{' '}
          {standing ? formatTime(standing.startedAt) : ''}.{' '}
          <a href={siteHref(boardOfResult(result))}>On the leaderboard</a>
        </p>
      </PageHead>
      {standing && standing.status !== 'completed' && (
        <div className="notice">
          <strong>{STATUS_WORDS[standing.status]}.</strong>
          <pre tabIndex={0}>
            <bdi>{standing.reason}</bdi>
          </pre>
        </div>
      )}
      {standing?.simulated && (
        <p className="notice">
          <strong>Simulated.</strong> <Name text={standing.simulated} />
        </p>
      )}
      {standing?.corrections.map((correction) => (
        <p key={correction.reason} className="notice">
          <strong>{correction.action === 'withdraw' ? 'Withdrawn' : 'Annotated'}</strong> on {correction.date}:{' '}
          <Name text={correction.reason} />
        </p>
      ))}
      <section className="section-tight" aria-labelledby="artifact">
        <h2 id="artifact">Artifact</h2>
        <Facts
          facts={[
            [
              'As shipped (zstd)',
              artifact && formatBytes(artifact.size.zstdBytes),
              artifact && without(artifact.size.zstdBytesWithoutEmbedding, formatBytes),
            ],
            [
              'File',
              artifact && formatBytes(artifact.size.fileBytes),
              artifact && without(artifact.size.fileBytesWithoutEmbedding, formatBytes),
            ],
            [
              'Parameters',
              artifact && formatCount(artifact.size.parameters),
              artifact && without(artifact.size.parametersWithoutEmbedding, formatCount),
            ],
            [
              'Not zero',
              artifact && formatCount(artifact.size.nonZeroParameters),
              artifact && formatShare(artifact.size.nonZeroParameters / Math.max(1, artifact.size.parameters)),
            ],
            ['SHA-256', artifact && <code className="hash">{artifact.sha256}</code>],
          ]}
        />
        {artifact && <Counts title="Operators of the file" counts={artifact.operators} />}
      </section>
      <section className="section" aria-labelledby="cost">
        <h2 id="cost">What compressing cost</h2>
        <Facts
          facts={[
            ['Processor time', cost && formatCost(cost.cpuSeconds)],
            [
              'Accelerator time',
              cost && cost.deviceSeconds !== null ? formatCost(cost.deviceSeconds) : null,
              'none where no accelerator was used',
            ],
            ['Wall time', cost && formatSeconds(cost.wallSeconds)],
            ['Peak memory', cost && formatBytes(cost.peakMemoryBytes), 'of the whole process'],
            ['Tokens seen', cost && cost.tokensSeen.toLocaleString('en')],
            ['Gradient steps', cost && cost.gradientSteps.toLocaleString('en')],
            [
              'Energy',
              cost && cost.energyJoules !== null ? `${formatFigure(cost.energyJoules)} J` : null,
              'where the machine has a counter',
            ],
          ]}
        />
        {(standing?.notes.length ?? 0) > 0 && (
          <ul className="small">
            {standing?.notes.map((note) => (
              <li key={note}>
                <Name text={note} />
              </li>
            ))}
          </ul>
        )}
      </section>
      {result.evaluations.map((evaluation) => (
        <Evaluation key={`${evaluation.key} ${evaluation.startedAt} ${evaluation.run}`} evaluation={evaluation} />
      ))}
      {result.measurements.map((measurement) => (
        <Measurement key={`${measurement.key} ${measurement.startedAt} ${measurement.run}`} measurement={measurement} />
      ))}
      <section className="section" aria-labelledby="again">
        <h2 id="again">Make it again</h2>
        {result.command ? (
          <pre tabIndex={0}>
            <code>{result.command}</code>
          </pre>
        ) : (
          <p className="quiet">One of its names is not safe to type into a shell; see the parameters below.</p>
        )}
        <Facts
          facts={[
            ['Parameters', <code key="p">{visibleText(JSON.stringify(result.params))}</code>],
            ['Commit', standing?.commit ? <code key="c">{visibleText(standing.commit)}</code> : null],
            [
              'Run',
              standing && (
                <a key="r" href={siteHref(runHref(standing.run))}>
                  {visibleText(standing.run)}
                </a>
              ),
            ],
            ['Method revision', result.revision],
            [
              'Method source',
              result.methodSource && (
                <code key="m" className="hash">
                  {result.methodSource}
                </code>
              ),
            ],
            [
              'Model revision',
              <code key="v" className="hash">
                {result.modelRevision}
              </code>,
            ],
            ['Data', result.data ? <Name key="d" text={result.data.dataset} /> : 'none: data-free'],
            [
              'Key',
              <code key="k" className="hash">
                {result.key}
              </code>,
            ],
            [
              'As JSON',
              <a key="j" href={siteHref(apiPaths.result(result.key))}>
                this row of the API
              </a>,
            ],
          ]}
        />
        {standing && <MachineFacts machine={standing.machine} />}
      </section>
      {result.trials.length > 1 && (
        <section className="section" aria-labelledby="rows">
          <h2 id="rows">All rows under this key</h2>
          <ul>
            {result.trials.map((row) => (
              <li key={`${row.run} ${row.startedAt}`}>
                {formatTime(row.startedAt)}, <Name text={row.run} />: {STATUS_WORDS[row.status]}
                {row.effective ? ', stands' : ''}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

type Fact = readonly [title: string, value: ReactNode, more?: ReactNode];

function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts.map(([title, value, more]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>
            {value ?? NONE}
            {more && <small>{more}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function without(value: number, format: (value: number) => string): string {
  return `${format(value)} without the embedding`;
}

type Pairs = Readonly<Record<string, string | number | boolean>>;

/** Counts are sorted, largest first; other values keep their order. */
function Counts({ title, counts }: { readonly title: string; readonly counts: Pairs }) {
  const ordered = Object.entries(counts).sort((a, b) => Number(b[1]) - Number(a[1]) || 0);
  return (
    <details className="panel">
      <summary>{title}</summary>
      <p className="panel-body small">
        {ordered.map(([name, count], i) => (
          <span key={name}>
            {i > 0 && ', '}
            <Name text={name} /> {visibleText(String(count))}
          </span>
        ))}
      </p>
    </details>
  );
}

function Evaluation({ evaluation }: { readonly evaluation: Result['evaluations'][number] }) {
  const { quality, distance, task } = evaluation;
  const metric = quality?.metric ?? null;
  const words = metricWords(metric);
  const share = (estimate: Estimate | undefined) =>
    estimate && `${formatShare(estimate.value)} [${formatShare(estimate.low)}, ${formatShare(estimate.high)}]`;
  const nats = (estimate: Estimate | undefined) =>
    estimate && `${formatFigure(estimate.value)} [${formatFigure(estimate.low)}, ${formatFigure(estimate.high)}]`;
  return (
    <section className="section">
      <h2>
        Quality on <Name text={task} />
      </h2>
      {!evaluation.effective && (
        <p className="notice">This row is not in effect: a newer row replaced it, or it was withdrawn.</p>
      )}
      {evaluation.status !== 'completed' && (
        <div className="notice">
          <strong>{STATUS_WORDS[evaluation.status]}.</strong> <Name text={evaluation.reason ?? ''} />
        </div>
      )}
      {quality && (
        <>
          <Facts
            facts={[
              [
                words.title,
                `${formatQuality(metric, quality.estimate.value)} ${formatQualityInterval(metric, quality.estimate)}`,
                `dense ${formatQuality(metric, quality.dense)}; ${words.direction}${evaluation.inSample ? '; in-sample' : ''}`,
              ],
              [
                'Items',
                quality.items.toLocaleString('en'),
                `${quality.tokens.toLocaleString('en')} ${words.decision}s`,
              ],
              ...(metric !== null && METRIC_WORDS[metric].sameTop === undefined
                ? [
                    [
                      `Change of ${METRIC_WORDS[metric].score}`,
                      nats(distance ? changeOfScore(distance.klDivergence) : undefined),
                      `per ${words.decision}, root mean square, against dense`,
                    ] as const,
                  ]
                : ([
                    [
                      'Δ log-perplexity',
                      nats(distance?.deltaLogPerplexity),
                      `nats per ${words.decision}, against dense`,
                    ],
                    ['KL from dense', nats(distance?.klDivergence), `nats per ${words.decision}`],
                    ['Same top', share(distance?.sameTop), 'most probable outcome is dense’s'],
                    ['Right → wrong', share(distance?.correctToIncorrect), 'right under dense, wrong here'],
                    ['Wrong → right', share(distance?.incorrectToCorrect), 'wrong under dense, right here'],
                  ] as const)),
            ]}
          />
          {quality.slices && quality.slices.length > 0 && (
            <TableScroll label={`Groups of ${task}`}>
              <table>
                <TableHead cells={['Group', numeric('Items'), numeric(words.title), numeric('Dense')]} />
                <tbody>
                  {quality.slices.map((slice) => (
                    <tr key={slice.slice}>
                      <th scope="row">
                        <Name text={slice.slice} />
                      </th>
                      <td className="numeric">{slice.items}</td>
                      <td className="numeric">
                        {formatQuality(metric, slice.estimate.value)}
                        <small>{formatQualityInterval(metric, slice.estimate)}</small>
                      </td>
                      <td className="numeric">{formatQuality(metric, slice.dense)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </TableScroll>
          )}
        </>
      )}
    </section>
  );
}

function Measurement({ measurement }: { readonly measurement: Result['measurements'][number] }) {
  const { runner, machine, latency, placement, onDevice } = measurement;
  return (
    <section className="section">
      <h2>
        Speed on {runner.provider}, <Name text={runner.device?.name ?? runner.device?.driver ?? machine.cpuModel} />
      </h2>
      {!measurement.effective && (
        <p className="notice">This row is not in effect: a newer row replaced it, or it was withdrawn.</p>
      )}
      {measurement.status !== 'completed' && (
        <div className="notice">
          <strong>{STATUS_WORDS[measurement.status]}.</strong> <Name text={measurement.reason ?? ''} />
        </div>
      )}
      {onDevice?.findings.map((finding) => (
        <p key={finding} className="notice">
          <Name text={finding} />
        </p>
      ))}
      {latency.map((shape) => (
        <div key={shape.shape} className="card section-tight">
          <h3>
            <Name text={shape.shape} />: {formatRatio(shape.speedUp.value)} as fast as dense{' '}
            <small className="quiet">
              [{shape.speedUp.low.toFixed(2)}, {shape.speedUp.high.toFixed(2)}]
            </small>
            {shape.noisy && <span className="bad-text"> noisy</span>}
          </h3>
          <p>
            median {formatMilliseconds(shape.p50Ms)}, 95th percentile {formatMilliseconds(shape.p95Ms)}; dense{' '}
            {formatMilliseconds(shape.denseP50Ms)}; coefficient of variation {shape.coefficientOfVariation.toFixed(3)};{' '}
            {shape.samplesMs.length} rounds
          </p>
          <SamplesPlot samplesMs={shape.samplesMs} denseSamplesMs={shape.denseSamplesMs} name={shape.shape} />
        </div>
      ))}
      <div className="section-tight">
        <Facts
          facts={[
            [
              'Resident memory',
              measurement.residentMemoryBytes === null ? null : formatBytes(measurement.residentMemoryBytes),
              measurement.denseResidentMemoryBytes === null
                ? undefined
                : `dense ${formatBytes(measurement.denseResidentMemoryBytes)}`,
            ],
            ['Threads', measurement.threads],
            [
              'Ran on',
              placement &&
                Object.entries(placement.nodes)
                  .map(
                    ([provider, nodes]) =>
                      `${provider}: ${nodes} nodes, ${formatShare(placement.timeShare[provider] ?? 0)} of time`,
                  )
                  .join('; '),
            ],
            ...(onDevice ? deviceFacts(onDevice) : []),
          ]}
        />
        <Counts title="Session options" counts={measurement.sessionOptions} />
        {placement && <Counts title="Operators that ran" counts={placement.operators} />}
      </div>
    </section>
  );
}

type DeviceFigures = NonNullable<Result['measurements'][number]['onDevice']>;

function deviceFacts(figures: DeviceFigures): readonly Fact[] {
  const { copyMs, outputsKept, memoryBytes, denseMemoryBytes, joulesPerCall, denseJoulesPerCall, quality } = figures;
  return [
    [
      outputsKept ? 'Copying the logits, not in the times' : 'Copying the logits, in the times',
      Object.entries(copyMs)
        .map(([shape, ms]) => `${shape}: ${formatMilliseconds(ms)}`)
        .join('; '),
    ],
    [
      'Memory of the device',
      memoryBytes === null ? null : formatBytes(memoryBytes),
      denseMemoryBytes === null ? undefined : `dense ${formatBytes(denseMemoryBytes)}`,
    ],
    [
      'Energy per call',
      joulesPerCall === null ? null : `${joulesPerCall.toPrecision(3)} J`,
      denseJoulesPerCall === null ? undefined : `dense ${denseJoulesPerCall.toPrecision(3)} J`,
    ],
    ...quality.map(
      ({ task, metric, value, cpuValue, meanDifference }) =>
        [
          task,
          `${formatQuality(metric, value)}, on the CPU ${formatQuality(metric, cpuValue)}`,
          `${meanDifference.toExponential(1)} nats per decision apart`,
        ] as const,
    ),
  ];
}

import type { Metadata } from 'next';
import type { BreakEven } from '../../../drizzle/queries.ts';
import { Board } from '../../components/board.tsx';
import { EmptyBoard } from '../../components/empty-board.tsx';
import { Name } from '../../components/name.tsx';
import { PageHead } from '../../components/page-head.tsx';
import type { BoardView } from '../../lib/board-view.ts';
import { NONE, formatCount, formatShape, formatTimesRange } from '../../lib/format.ts';
import { choices, contests, defaultView, viewOf } from '../../lib/site-data.ts';
import { queries } from '../../lib/store.ts';
import { TableHead, numeric } from '../../components/table-head.tsx';

export const metadata: Metadata = {
  title: 'Scores on request',
  description:
    'Cost-efficiency, a weighting of your own, and the break-even point of training. Never the default rank.',
};

const PAGE_SIZE = 25;

export default function ScoresPage() {
  const view = defaultView();
  return (
    <>
      <PageHead title="Scores on request">
        <p>
          A single score hides what you give up, so no score is the default rank. Where you want one, here is its
          formula.
        </p>
      </PageHead>
      {!view ? (
        <EmptyBoard />
      ) : (
        <>
          <section className="section" aria-labelledby="break-even">
            <div className="section-head">
              <h2 id="break-even">When training has paid itself back</h2>
              <p>{queries.FORMULAS.breakEven}</p>
            </div>
            {contests().map(({ id }) => (
              <BreakEvenTable key={id} view={viewOf(id)} />
            ))}
          </section>
          <section className="section" aria-labelledby="efficiency">
            <h2 id="efficiency">Cost-efficiency, and a weighting of your own</h2>
            <p className="prose">{queries.FORMULAS.efficiency}</p>
            <p className="prose">
              Under “Scores” stand the exponents of a score of your own: kept<sup>a</sup> × smaller<sup>b</sup> × faster
              <sup>c</sup> ÷ compute<sup>d</sup>. With 1, 1, 0, 1 it is the cost-efficiency.
            </p>
            <Board
              choices={choices()}
              initial={view}
              parts={['table']}
              pageSize={PAGE_SIZE}
              usual={{ columns: 'method,rank,quality,smaller,cost,efficiency,score', sort: '-efficiency' }}
            />
          </section>
        </>
      )}
    </>
  );
}

function BreakEvenTable({ view }: { readonly view: BoardView }) {
  const lines = view.headline.filter(({ lowCost, highCost }) => lowCost && highCost);
  return (
    <>
      <h3>
        <Name text={view.model} /> · <Name text={view.task} />
      </h3>
      {lines.length === 0 ? (
        <p className="quiet">No weight class has both a method that trains and one that does not yet.</p>
      ) : (
        <div
          className="table-scroll section-after"
          role="group"
          aria-label={`Break-even of ${view.model}`}
          tabIndex={0}
        >
          <table>
            <TableHead cells={['Size', 'High-cost', 'Low-cost', numeric('Compute'), 'Paid back after']} />
            <tbody>
              {lines.map((line) => (
                <tr key={line.weightClass}>
                  <th scope="row">{line.weightClass}× smaller</th>
                  <td>
                    <Name text={line.highCost?.id ?? ''} />
                  </td>
                  <td>
                    <Name text={line.lowCost?.id ?? ''} />
                  </td>
                  <td className="numeric">
                    {line.computeRatio === null
                      ? (line.noComputeRatio ?? NONE)
                      : formatTimesRange(line.computeRatio.least.value, line.computeRatio.most.value)}
                  </td>
                  <td>
                    {line.breakEven.map((each) => (
                      <span key={each.shape} className="break-even">
                        {formatShape(each)}: {paidBack(each)}
                      </span>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function paidBack({ requests, tokens, reason }: BreakEven): string {
  if (!requests) return reason ?? 'never';
  return `${formatCount(requests.value)} calls [${formatCount(requests.low)}, ${formatCount(requests.high)}]${
    tokens ? `, ${formatCount(tokens.value)} tokens` : ''
  }`;
}

import { Name } from './name.tsx';
import { SiteLink } from './site-link.tsx';
import { STATUS_WORDS, formatDay, plural } from '../lib/format.ts';
import { paths } from '../lib/paths.ts';
import type { queries } from '../lib/store.ts';
import { firstLine } from '../../contracts/words/text.ts';
import { present } from '../../contracts/present.ts';

type Failure = ReturnType<typeof queries.failures>[number];

/** Rows that did not complete, those with the same reason together. */
export function FailureList({ failures }: { readonly failures: readonly Failure[] }) {
  if (failures.length === 0) return <p className="quiet">None that stands.</p>;
  const groups = [...Map.groupBy(failures, ({ status, reason }) => `${status}\n${firstLine(reason)}`).values()];
  return (
    <ul className="failures">
      {groups.map((members) => {
        const { key, status, reason, model, startedAt } = present(members[0], 'the first row of a group');
        return (
          <li key={key}>
            <p>
              <strong className="bad-text">{STATUS_WORDS[status]}</strong>{' '}
              {members.map((failure, i) => (
                <span key={failure.key}>
                  {i > 0 && ', '}
                  <SiteLink href={paths.result(failure.trial)}>
                    <Name text={`${failure.method ?? '?'}/${failure.variant ?? '?'}`} />
                  </SiteLink>
                  {failure.kind !== 'trial' && ` (${failure.kind})`}
                </span>
              ))}
              <span className="quiet small">
                {' '}
                · <Name text={model ?? ''} />, {formatDay(startedAt)}
                {members.length > 1 && `, ${plural(members.length, 'row')}`}
              </span>
            </p>
            <pre tabIndex={0}>
              <bdi>{reason.split('\n').slice(0, 12).join('\n')}</bdi>
            </pre>
          </li>
        );
      })}
    </ul>
  );
}

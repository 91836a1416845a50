/** boards/<id>.json: a board as the table needs it. */
import { boards, viewOf } from '../../../lib/site-data.ts';

export const dynamic = 'force-static';

const NONE = 'none';

export function generateStaticParams() {
  // A static export fails on a route without pages.
  const files = boards().map(({ id }) => ({ file: `${id}.json` }));
  return files.length > 0 ? files : [{ file: `${NONE}.json` }];
}

export async function GET(_request: Request, { params }: { readonly params: Promise<{ readonly file: string }> }) {
  const id = (await params).file.replace(/\.json$/, '');
  return Response.json(id === NONE ? null : viewOf(id));
}

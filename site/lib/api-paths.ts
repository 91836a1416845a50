/** Files of the API (board/publish/site-api.ts writes them beside the pages). */
export const apiPaths = {
  file: (path: string) => `/api/v1/${path}`,
  result: (key: string) => `/api/v1/results/${key}.json`,
  comparisons: (contest: string, slug: string) => `/api/v1/comparisons/${contest}/${slug}.json`,
  history: (board: string, slug: string) => `/api/v1/history/${board}/${slug}.json`,
} as const;

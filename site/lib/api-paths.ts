/** Files of the API (board/publish/site-api.ts writes them beside the pages). */
export const apiPaths = {
  file: (path: string) => `/api/v2/${path}`,
  result: (key: string) => `/api/v2/results/${key}.json`,
  comparisons: (contest: string, slug: string) => `/api/v2/comparisons/${contest}/${slug}.json`,
  history: (board: string, slug: string) => `/api/v2/history/${board}/${slug}.json`,
} as const;

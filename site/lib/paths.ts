/** Addresses of the site's pages and files, below SITE_BASE_PATH if it is set. */
const basePath = process.env.SITE_BASE_PATH ?? '';

/** `path` starts with a slash. */
export function siteHref(path: string): string {
  return `${basePath}${path}`;
}

/** A slug is safe in a path as it is (drizzle/slug.ts). */
export const paths = {
  home: '/',
  leaderboard: '/leaderboard/',
  methods: '/methods/',
  method: (slug: string) => `/methods/${slug}/`,
  models: '/models/',
  model: (slug: string) => `/models/${slug}/`,
  tasks: '/tasks/',
  task: (slug: string) => `/tasks/${slug}/`,
  runs: '/runs/',
  run: (slug: string) => `/runs/${slug}/`,
  result: (key: string) => `/result/?key=${key}`,
  compare: '/compare/',
  pick: '/pick/',
  scores: '/scores/',
  studies: '/studies/',
  study: (slug: string) => `/studies/${slug}/`,
  history: '/history/',
  protocol: '/protocol/',
  contribute: '/contribute/',
  architecture: '/architecture/',
  data: '/data/',
  api: '/api/',
  /** The rows of a board as the table needs them. */
  boardRows: (board: string) => `/boards/${board}.json`,
} as const;

/** /leaderboard/?model=…&task=… with any query parameters. */
export function leaderboardOf(view: Readonly<Record<string, string>>): string {
  return `${paths.leaderboard}?${new URLSearchParams(view)}`;
}

/** One line of `shrinkrank doctor`. */
export interface Finding {
  readonly subject: string;
  readonly state: 'ok' | 'limited' | 'missing';
  readonly text: string;
}

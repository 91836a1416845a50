import { visibleText } from '../lib/visible-text.ts';

/** Text of methods, models and datasets: isolated from the text direction around it, with invisible characters spelled out. */
export function Name({ text }: { readonly text: string }) {
  return <bdi>{visibleText(text)}</bdi>;
}

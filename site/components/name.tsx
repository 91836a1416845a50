import { visibleText } from '../lib/visible-text.ts';

/** Text of methods, models and datasets: isolated from the direction of what stands around it, nothing in it invisible. */
export function Name({ text }: { readonly text: string }) {
  return <bdi>{visibleText(text)}</bdi>;
}

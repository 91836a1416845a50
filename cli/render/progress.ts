/** The progress bar of a run on standard error. Where that is no terminal: a line for each failure. */
import { SingleBar } from 'cli-progress';
import type { ProgressEvent } from '../../harness/plan/bench.ts';
import type { PlannedTrial } from '../../harness/plan/plan.ts';
import { remark } from '../setup/output.ts';

export interface RunProgress {
  readonly onEvent: (event: ProgressEvent) => void;
  stop(): void;
}

const STEP_WORDS = {
  compress: 'compressing',
  judge: 'judging',
  check: 'checking',
  evaluate: 'evaluating',
  measure: 'measuring',
} as const;

/** Where each step begins within its job and how much of it it takes, so that the bar moves evenly; from a quick run on two cores. */
const SHARE_BEFORE = { compress: 0, check: 0.3, evaluate: 0.45, measure: 0 } as const;
const SHARE_OF = { compress: 0.3, check: 0.15, evaluate: 0.55, measure: 1 } as const;

/** https://invisible-island.net/xterm/ctlseqs/ctlseqs.html */
const CLEAR_LINE = '\u001B[2K';
const WRAP = '\u001B[?7h';
const NO_WRAP = '\u001B[?7l';
const SAVE_CURSOR = '\u001B7';

export function createRunProgress(options: { readonly quiet: boolean }): RunProgress {
  const interactive = process.stderr.isTTY === true && !options.quiet;
  let bar: SingleBar | undefined;
  let done = 0;
  let counts = { failed: 0 };

  function say(text: string): void {
    if (options.quiet) return;
    // The line replaces the bar, which is drawn again below it.
    if (bar) process.stderr.write(`\r${CLEAR_LINE}${WRAP}${text}\n${NO_WRAP}${SAVE_CURSOR}`);
    else remark(text);
  }

  return {
    onEvent(event) {
      if (event.kind === 'trial') {
        done = event.done;
        if (interactive) {
          bar ??= startBar(event.total);
          bar.update(done, { name: nameOf(event.trial), step: STEP_WORDS[event.job], failed: counts.failed });
        }
      } else if (event.kind === 'share') {
        bar?.update(done + SHARE_BEFORE[event.step] + SHARE_OF[event.step] * event.share, {
          step: STEP_WORDS[event.step],
        });
      } else if (event.kind === 'again') {
        say(`${nameOf(event.trial)}: ${event.reason}; trying again`);
      } else if (event.status !== 'completed') {
        counts = { failed: counts.failed + 1 };
        say(`${nameOf(event.trial)}: ${event.status}: ${(event.reason ?? '').split('\n')[0]}`);
      }
    },
    stop() {
      bar?.update(bar.getTotal());
      bar?.stop();
    },
  };
}

/** The most important parts come first, because a narrow terminal cuts the line. */
function startBar(total: number): SingleBar {
  const bar = new SingleBar({
    format: '{bar} {percentage}% · {eta_formatted} left · {failed} failed · {name} · {step}',
    barsize: 16,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    etaBuffer: 20,
    stream: process.stderr,
    clearOnComplete: true,
    formatTime: (seconds) => (Number.isFinite(Number(seconds)) ? formatLeft(Number(seconds)) : '?'),
  });
  bar.start(total, 0, { name: '', step: '', failed: 0 });
  return bar;
}

function formatLeft(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
}

export function nameOf({ identity }: PlannedTrial): string {
  const seed = identity.seed === 0 ? '' : ` seed ${identity.seed}`;
  return `${identity.model} ${identity.method}/${identity.variant}${seed}`;
}

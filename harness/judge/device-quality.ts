/** Compares an artifact's scores on a device with those on the CPU, on the same items. */
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { DeviceQuality, Items, Quality } from '../../contracts/result.ts';
import type { DeviceProvider } from '../../contracts/runner.ts';
import { type CandidateEvaluation, type Evaluation, evaluateCandidate } from './evaluate-task.ts';

export interface DeviceQualityTask extends Omit<CandidateEvaluation, 'provider'> {
  /** Id of the task. */
  readonly id: string;
  readonly provider: DeviceProvider;
}

/** Scores on both. Throws the errors of evaluateCandidate. */
export async function compareWithCpu({ id, ...task }: DeviceQualityTask): Promise<DeviceQuality> {
  const onCpu = await evaluateCandidate({
    ...task,
    provider: 'cpu',
    onProgress: (share) => task.onProgress?.(share / 2),
  });
  const onDevice = await evaluateCandidate({ ...task, onProgress: (share) => task.onProgress?.((1 + share) / 2) });
  return deviceQuality(id, onDevice, onCpu);
}

type Scored = Pick<Evaluation, 'quality' | 'items'>;

export function deviceQuality(task: string, onDevice: Scored, onCpu: Scored): DeviceQuality {
  const { metric, estimate, items, tokens: decisions }: Quality = onDevice.quality;
  const cpuLosses = perDecision(onCpu.items);
  const differences = perDecision(onDevice.items).map((loss, item) =>
    Math.abs(loss - present(cpuLosses[item], 'CPU loss of an item')),
  );
  const meanDifference = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
  const largestDifference = Math.max(...differences);
  const changedDecisions = onDevice.items.correct.reduce(
    (sum, correct, item) => sum + Math.abs(correct - present(onCpu.items.correct[item], 'CPU decisions of an item')),
    0,
  );
  const { meanTolerance, itemTolerance, changedTolerance } = PROTOCOL.device;
  return {
    task,
    metric,
    items,
    decisions,
    value: estimate.value,
    cpuValue: onCpu.quality.estimate.value,
    meanDifference,
    largestDifference,
    changedDecisions,
    withinTolerance:
      meanDifference <= meanTolerance &&
      largestDifference <= itemTolerance &&
      changedDecisions <= changedTolerance * decisions,
  };
}

/** A remark for the row; undefined when within the tolerance. */
export function qualityFinding(provider: DeviceProvider, quality: DeviceQuality): string | undefined {
  if (quality.withinTolerance) return undefined;
  const { task, value, cpuValue, meanDifference, largestDifference, changedDecisions, decisions } = quality;
  return (
    `${task} differs between ${provider} and the CPU beyond tolerance: ${value.toPrecision(6)} against ` +
    `${cpuValue.toPrecision(6)}, by ${meanDifference.toExponential(1)} nats per decision on average and ` +
    `${largestDifference.toExponential(1)} in one item, ${changedDecisions} of ${decisions} decisions changed`
  );
}

/** −ln p per decision, nats, by item. */
function perDecision({ negativeLogLikelihood, tokens }: Items): number[] {
  return negativeLogLikelihood.map((loss, item) => loss / present(tokens[item], 'tokens of an item'));
}

import type { Processor } from '../../contracts/runner.ts';
import type { Machine } from '../../drizzle/queries.ts';
import { visibleText } from '../lib/visible-text.ts';

export function MachineFacts({ machine }: { readonly machine: Machine }) {
  const facts: readonly (readonly [string, string, string?])[] = [
    ['Processor', machine.cpuModel, `${machine.cores} cores, ${machine.architecture}`],
    ...(machine.processor ? [processorFact(machine.processor)] : []),
    ['Memory', `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`],
    ['Instruction sets', machine.instructionSets.join(', ') || 'none of those that choose kernels'],
    ['Operating system', machine.operatingSystem],
    ['onnxruntime', machine.onnxRuntime, `Node ${machine.node}`],
  ];
  return (
    <dl className="facts">
      {facts.map(([name, value, more]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <bdi>{visibleText(value)}</bdi>
            {more && <small>{visibleText(more)}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function processorFact({ family, model, stepping, caches, baseMhz }: Processor): readonly [string, string, string] {
  const of = [`family ${family ?? '?'}`, `model ${model ?? '?'}`, `stepping ${stepping ?? '?'}`].join(', ');
  const speed = baseMhz === null ? [] : [`${baseMhz} MHz`];
  return ['Processor type', of, [...speed, ...caches].join(', ')];
}

/**
 * The process of probeProvider(): multiplies two matrices on the given provider and prints what ran them. After a
 * failed initialisation WebGPU fails for the rest of the process, and a driver may crash it: hence a separate process.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { Provider } from '../../contracts/runner.ts';
import { createGraphBuilder } from '../../numerics/onnx/builder.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import { createSession } from './session.ts';

/** Files that the process held open while its session existed; on systems other than Linux empty. */
export interface ProbeEvidence {
  readonly libraries: readonly string[];
  readonly deviceFiles: readonly string[];
}

export type ProbeReport =
  | { readonly ran: true; readonly evidence: ProbeEvidence }
  | { readonly ran: false; readonly message: string };

const SIDE = 64;

if (import.meta.main) {
  console.log(JSON.stringify(await report(process.argv[2] as Provider)));
  process.exit(0);
}

async function report(provider: Provider): Promise<ProbeReport> {
  try {
    const b = createGraphBuilder({ name: 'probe', opset: 21 });
    const x = b.input('x', 'float32', [SIDE, SIDE]);
    const w = b.initializer('w', tensorOf('float32', [SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(0.5)));
    b.node('MatMul', [x, w], { name: 'y', outputs: ['y'] });
    b.output('y', { dtype: 'float32', dims: [SIDE, SIDE] });
    const session = await createSession(b.build(), { provider, threads: 1, withoutFallback: true });
    const { y } = await session.run({ x: tensorOf('float32', [SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(1)) });
    const wrong = y ? elements(y, 'float32').find((value) => value !== SIDE / 2) : 'nothing';
    if (wrong !== undefined) return { ran: false, message: `a product of ${SIDE / 2} came out as ${wrong}` };
    return { ran: true, evidence: { libraries: mappedLibraries(), deviceFiles: openDeviceFiles() } };
  } catch (error) {
    return { ran: false, message: error instanceof Error ? error.message : String(error) };
  }
}

function mappedLibraries(): string[] {
  try {
    const maps = readFileSync('/proc/self/maps', 'utf8');
    return [...new Set([...maps.matchAll(/\s(\/\S+\.so[\d.]*)$/gm)].map(([, path = '']) => path))].sort();
  } catch {
    return []; // no /proc
  }
}

function openDeviceFiles(): string[] {
  try {
    const targets = readdirSync('/proc/self/fd').map((file) => {
      try {
        return readlinkSync(`/proc/self/fd/${file}`);
      } catch {
        return ''; // the descriptor of the folder listing itself
      }
    });
    return [...new Set(targets)].filter((target) => target.startsWith('/dev/')).sort();
  } catch {
    return []; // no /proc
  }
}

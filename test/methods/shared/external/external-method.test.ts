import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { InputError, UnsupportedError } from '../../../../contracts/errors.ts';
import type { Method } from '../../../../engine/definitions/method.ts';
import type { Access } from '../../../../contracts/taxonomy.ts';
import type { Model } from '../../../../engine/definitions/model.ts';
import { writeModel } from '../../../../numerics/onnx/write.ts';
import { defineExternalMethod } from '../../../../methods/shared/external/external-method.ts';
import { methodContext } from '../../../support/method-context.ts';
import { tinyBert, tinyLlama } from '../../../support/tiny-model.ts';

let folder = '';
let temporary: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shrinkrank-external-'));
  temporary = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
});
afterEach(() => {
  if (temporary === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = temporary;
  rmSync(folder, { recursive: true, force: true });
});

/** A method whose command is this JavaScript; `folder`, `fs` and `keep()`, which leaves the model as it is, are at hand. */
function scripted(body: string, access: Access = 'data-free', program = process.execPath): Method {
  const prelude = `
    const fs = require('node:fs');
    const folder = process.argv.at(-1);
    const keep = () => fs.copyFileSync(folder + '/input/model.onnx', folder + '/output/model.onnx');
    const say = (notes) => fs.writeFileSync(folder + '/output/notes.json', typeof notes === 'string' ? notes : JSON.stringify(notes));
  `;
  return defineExternalMethod({
    id: 'scripted',
    family: 'quantization',
    access,
    revision: 1,
    description: 'A command.',
    paper: { title: 'None', authors: 'Nobody', year: 2026, url: 'https://example.org' },
    licence: 'Apache-2.0',
    params: v.strictObject({ bits: v.number() }),
    variants: { w4: { bits: 4 } },
    command: [program, '-e', `${prelude}\n${body}`, '--'],
  });
}

async function compress(method: Method, model: Model = tinyLlama(), signal?: AbortSignal) {
  const made = methodContext({ method, variant: 'w4', model, seed: 5, ...(signal && { signal }) });
  return { ...made, compressed: await method.compress(model, made.context) };
}

/** What the command saw, sent back through its notes. */
async function seenBy(access: Access, body: string, model = tinyLlama()): Promise<unknown> {
  const { notes } = await compress(scripted(`keep(); say({ notes: [JSON.stringify(${body})] });`, access), model);
  return JSON.parse(notes[0] ?? 'null') as unknown;
}

describe('defineExternalMethod', () => {
  it('passes model, parameters, seed and roles, reads the compressed model, and removes its files', async () => {
    const model = tinyLlama();
    const seen = await seenBy(
      'data-free',
      `{ ...JSON.parse(fs.readFileSync(folder + '/input/params.json')), here: process.cwd() === fs.realpathSync(folder),
         roles: JSON.parse(fs.readFileSync(folder + '/input/roles.json')) }`,
      model,
    );
    expect(seen).toMatchObject({
      params: { bits: 4 },
      model: { id: 'tiny-llama', architecture: 'llama', kind: 'decoder', contextLength: model.contextLength },
      here: true,
      roles: JSON.parse(JSON.stringify(model.roles)),
    });
    const { compressed } = await compress(scripted('keep()'), model);
    expect(Buffer.from(writeModel(compressed.onnx)).equals(Buffer.from(writeModel(model.onnx)))).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['data-free', []],
    ['calibrated', ['calibration.npz']],
    ['gradient', ['calibration.npz']],
    ['trained', ['calibration.npz', 'training.npz']],
  ] as const)('gives a %s method the data %j', async (access, data) => {
    const files = (await seenBy(access, `fs.readdirSync(folder + '/input')`)) as string[];
    expect(files.sort()).toEqual([...data, 'model.onnx', 'params.json', 'roles.json'].sort());
  });

  it('passes no secrets of the environment to the command', async () => {
    process.env['SECRET_TOKEN'] = 'hush';
    try {
      const names = (await seenBy('data-free', 'Object.keys(process.env)')) as string[];
      expect(names).toContain('PATH');
      expect(names).not.toContain('SECRET_TOKEN');
    } finally {
      delete process.env['SECRET_TOKEN'];
    }
  });

  it('passes on notes, simulated, and the work of a trained method', async () => {
    const said = { notes: ['one', 'two'], simulated: 'not packed', tokensSeen: 640, gradientSteps: 20 };
    const body = `keep(); say(${JSON.stringify(said)});`;
    const { notes, spent, progress } = await compress(scripted(body, 'trained'));
    expect(notes).toEqual(['one', 'two', 'simulated: not packed']);
    expect(spent).toEqual({ tokens: 640, steps: 20 });
    expect(progress).toEqual([1]);
  });

  it.each([
    [
      `console.error('Traceback: no such layer'); process.exit(3);`,
      /ended with exit code 3 on tiny-llama; standard error ends with: Traceback: no such layer$/,
    ],
    [`process.exit(3);`, /ended with exit code 3 on tiny-llama; standard error is empty/],
    [`process.kill(process.pid, 'SIGKILL');`, /was killed by SIGKILL/],
    [`process.stderr.write('x'.repeat(2e6) + 'the end', () => process.exit(1));`, /x{8000,8192}the end$/],
    [``, /wrote no output\/model\.onnx/],
    [`fs.symlinkSync('../input/model.onnx', folder + '/output/model.onnx');`, /is not a regular file/],
    [`fs.mkdirSync(folder + '/output/model.onnx');`, /is not a regular file/],
    [`fs.writeFileSync(folder + '/output/model.onnx', Buffer.alloc(1e7));`, /has 10000000 bytes, expected at most \d+/],
    [`keep(); say('{');`, /output\/notes\.json does not match/],
    [`keep(); say({ remarks: [] });`, /output\/notes\.json does not match .*remarks/],
    [`keep(); say({ notes: ['x'.repeat(70000)] });`, /output\/notes\.json has \d+ bytes, expected at most 65536/],
  ])('refuses what %j does', async (body, message) => {
    await expect(compress(scripted(body))).rejects.toThrow(InputError);
    await expect(compress(scripted(body))).rejects.toThrow(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is unsupported where the command says so or its program is missing', async () => {
    const refusing = scripted(`say({ unsupported: 'an encoder has no next token' });`);
    await expect(compress(refusing, tinyBert())).rejects.toThrow(UnsupportedError);
    await expect(compress(refusing, tinyBert())).rejects.toThrow(/scripted: cannot compress tiny-bert: an encoder has/);
    const missing = scripted('', 'data-free', 'no-such-program');
    await expect(compress(missing)).rejects.toThrow(UnsupportedError);
    await expect(compress(missing)).rejects.toThrow(/tiny-llama here: the program no-such-program is not on PATH/);
  });

  it('kills the command and all its processes when aborted', async () => {
    const controller = new AbortController();
    const started = join(folder, 'started');
    const body = `
      const { spawn } = require('node:child_process');
      const child = spawn('sleep', ['600'], { detached: true });
      fs.writeFileSync(${JSON.stringify(`${started}.part`)}, process.pid + ' ' + child.pid);
      fs.renameSync(${JSON.stringify(`${started}.part`)}, ${JSON.stringify(started)});
      setInterval(() => {}, 1000);
    `;
    const running = compress(scripted(body), tinyLlama(), controller.signal);
    await expect.poll(() => existsSync(started), { timeout: 20_000 }).toBe(true);
    const pids = readFileSync(started, 'utf8').split(' ').map(Number);
    controller.abort(new Error('time is over'));
    await expect(running).rejects.toThrow('time is over');
    const isAlive = (pid: number) => {
      try {
        // A zombie that nobody has waited for yet is dead.
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return false;
      }
    };
    await expect.poll(() => pids.map(isAlive)).toEqual([false, false]);
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { confess } from './shared/attempt.ts';
import { hostileMethod } from './shared/hostile-method.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');

export default hostileMethod({
  id: 'writes-outside',
  description: 'Writes into the store, among the artifacts, into the repository and the compiled modules.',
  params: { cache: '' },
  compress: (model) =>
    confess({
      store: () => writeFileSync('../../store.sqlite', 'overwritten'),
      artifact: () => writeFileSync('../../artifacts/planted.onnx', 'planted'),
      harness: () => writeFileSync(join(REPOSITORY, 'harness/planted.ts'), 'planted'),
      node: () => writeFileSync(process.execPath, 'planted'),
      cache: () => writeFileSync(join(process.env['NODE_COMPILE_CACHE'] ?? '', 'planted'), 'planted'),
      folder: () => mkdirSync('../planted'),
      artifactByNativeCode: () =>
        InferenceSession.create(Buffer.from(writeModel(model.onnx)), {
          optimizedModelFilePath: '../../artifacts/native.onnx',
        }),
      harnessByNativeCode: () =>
        InferenceSession.create(Buffer.from(writeModel(model.onnx)), {
          optimizedModelFilePath: join(REPOSITORY, 'harness/native.onnx'),
        }),
    }),
});

import { readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { InferenceSession } from 'onnxruntime-node';
import { confess } from './shared/attempt.ts';
import { hostileMethod } from './shared/hostile-method.ts';

/** The working directory is <workspace>/scratch/<trial>. */
const WORKSPACE = '../..';

export default hostileMethod({
  id: 'reads-store',
  description: 'Looks for the store, for artifacts of others and for the home folder.',
  params: { home: homedir() },
  compress: (_, { home }) =>
    confess({
      store: () => readFileSync(`${WORKSPACE}/store.sqlite`, 'utf8'),
      artifacts: () => readdirSync(`${WORKSPACE}/artifacts`),
      // Native code, which Node's permission model does not bind: a file that is there is one that is no model.
      storeByNativeCode: () => InferenceSession.create(`${WORKSPACE}/store.sqlite`),
      home: () => readdirSync(String(home)),
      root: () => readdirSync('/'),
    }),
});

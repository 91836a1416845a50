import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type NetConnectOpts, connect } from 'node:net';
import { confess } from './shared/attempt.ts';
import { hostileMethod } from './shared/hostile-method.ts';

async function reach(options: NetConnectOpts): Promise<string> {
  const socket = connect(options);
  await once(socket, 'connect');
  socket.destroy();
  return 'connected';
}

export default hostileMethod({
  id: 'opens-socket',
  description: 'Connects to servers on this machine, by port and by path, and asks for a name.',
  params: {
    port: Number(process.env['HOSTILE_TEST_PORT'] ?? 0),
    path: process.env['HOSTILE_TEST_SOCKET'] ?? '',
  },
  compress: (_, { port, path }) =>
    confess({
      port: () => reach({ host: '127.0.0.1', port: Number(port) }),
      path: () => reach({ path: String(path) }),
      name: () => lookup('example.org'),
    }),
});

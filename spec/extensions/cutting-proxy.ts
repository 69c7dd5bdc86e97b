import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * Stands before a server and destroys connections: each time a response starts, with this probability, after some bytes of it.
 * `random` answers as `Math.random` does. Gives back its origin, and how to have it cut no more.
 */
export async function cuttingProxy(
  port: number,
  probability: number,
  random: () => number,
): Promise<{ readonly origin: string; readonly cuts: () => number; readonly calm: () => void }> {
  const sockets = new Set<Socket>();
  let cuts = 0;
  let isCalm = false;
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const both = [near, far];
    for (const socket of both) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        for (const other of both) other.destroy();
      });
    }
    near.on('data', (chunk) => far.write(chunk));
    far.on('data', (chunk) => {
      if (isCalm || random() >= probability) {
        near.write(chunk);
        return;
      }
      cuts += 1;
      near.write(chunk.subarray(0, Math.floor(random() * chunk.length)), () => near.destroy());
    });
  });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const calm = (): void => {
    isCalm = true;
  };
  return { origin: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, cuts: () => cuts, calm };
}

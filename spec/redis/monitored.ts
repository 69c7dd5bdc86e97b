import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { until } from '../support/until.ts';

/** Listens to all commands that a Redis gets, until they are asked for. */
export async function monitored(port: number): Promise<() => Promise<string>> {
  const socket = connect({ host: '127.0.0.1', port });
  onTestFinished(() => void socket.destroy());
  let all = '';
  socket.setEncoding('utf8').on('data', (more: string) => {
    all += more;
  });
  socket.write('MONITOR\r\n');
  await until(() => all.startsWith('+OK'));
  return async () => {
    const end = `the end of what ${randomUUID()} is told`;
    const other = connect({ host: '127.0.0.1', port });
    other.end(`ECHO "${end}"\r\n`);
    await until(() => all.includes(end));
    return all;
  };
}

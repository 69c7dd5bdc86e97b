import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import WebSocket from 'faye-websocket';
import { expect, it } from 'vitest';

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));

it('websocket-driver is there once, in a version that was tried with its inner fields', () => {
  const { packages } = read('package-lock.json');
  const copies = Object.keys(packages).filter((path) => path.endsWith('node_modules/websocket-driver'));
  expect(copies).toEqual(['node_modules/websocket-driver']);
  expect(read('package.json').dependencies['websocket-driver']).toBe('~0.8.0');
  expect(read('node_modules/websocket-driver/package.json').version).toMatch(/^0\.8\./);
});

it('its reader and its message keep pieces where we look for them', () => {
  const headers = {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  const options = { maxLength: 100, extensions: [] };
  const socket = new Socket();
  const webSocket = new WebSocket({ method: 'GET', url: '/', headers }, socket, Buffer.alloc(0), [], options);
  const { _driver } = webSocket;
  _driver.parse(Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x78]));
  expect(_driver._message?.length).toBe(1);
  expect(_driver._message?._chunks).toEqual([Buffer.from('x')]);
  _driver.parse(Buffer.from([0x00, 0x85, 0, 0, 0, 0, 0x78]));
  expect(_driver._reader._queue).toEqual([Buffer.from('x')]);
  expect(_driver._reader._queueSize).toBe(1);
  socket.destroy();
});

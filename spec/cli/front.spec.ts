import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { front } from '../../src/cli/front.ts';
import { listen } from '../support/start.ts';

/** What a server answers to a request whose target is written as it is given. */
function ask(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path }, (response) => {
      response.setEncoding('utf8').once('data', resolve);
    }).once('error', reject);
  });
}

describe('the front of the program', () => {
  it('leaves to the application what Bayeux passes on, and the client at its mount', async () => {
    const http = createServer(
      front(
        '/bayeux',
        ({ url }, res, next) => (url?.startsWith('/else') ? next?.() : res.end('bayeux')),
        (_req, res) => res.end('app'),
      ),
    );
    await listen(http);
    onTestFinished(() => void http.close());
    const { port } = http.address() as AddressInfo;
    for (const path of ['/bayeux', '/bayeux/client.jsx', '/bayeux/x/client.js', 'http://a.example/bayeux'])
      expect([path, await ask(port, path)]).toEqual([path, 'bayeux']);
    for (const path of [
      '/else',
      '/bayeux/client.js',
      '/bayeux/client.js?1',
      'http://a.example/bayeux/client.js',
    ])
      expect([path, await ask(port, path)]).toEqual([path, 'app']);
  });
});

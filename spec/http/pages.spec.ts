import { readdirSync, readFileSync } from 'node:fs';
import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { fayeClient } from '../../src/http/faye-client.ts';
import { pages } from '../../src/http/pages.ts';

const app = (mount: string) => supertest(express().use(pages(mount, '1.2.3')));

/** One directive of the page's policy. */
async function policy(mount: string, directive: string): Promise<string | undefined> {
  const { headers } = await app(mount).get('/').expect(200);
  const directives: string[] = headers['content-security-policy']?.split('; ') ?? [];
  return directives.find((one) => one.startsWith(`${directive} `))?.slice(directive.length + 1);
}

describe('the page', () => {
  it('names the mount, and has no script or style of its own in it', async () => {
    const { text } = await app('/bayeux')
      .get('/')
      .expect(200)
      .expect('Content-Type', /^text\/html; charset=utf-8/);
    expect(text).toContain('<meta name="bayeux" content="/bayeux"');
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|style=/);
  });

  it('is fenced in by its policy, and tells only its own origin where it was', async () => {
    const { headers } = await app('/bayeux').get('/');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src blob:; style-src 'self'; img-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers['referrer-policy']).toBe('same-origin');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('may reach a mount on another origin, which learns from whom it is asked (CO-3)', async () => {
    const mount = 'https://push.example:8443/bayeux';
    expect(await policy(mount, 'script-src')).toBe("'self' https://push.example:8443");
    expect(await policy(mount, 'connect-src')).toBe(
      "'self' https://push.example:8443 wss://push.example:8443",
    );
    const { headers, text } = await app(mount).get('/');
    expect(headers['referrer-policy']).toBe('strict-origin');
    expect(text).toContain('content="https://push.example:8443/bayeux"');
  });

  it('cannot be broken out of by an odd mount', async () => {
    const { text } = await app('/a"><script>alert(1)</script>$&').get('/');
    expect(text).toContain('content="/a%22%3E%3Cscript%3Ealert(1)%3C/script%3E$&"');
  });

  it.each([
    ['/page/chat.js', /^text\/javascript/],
    ['/page/theme.css', /^text\/css/],
    ['/page/chat.css', /^text\/css/],
    ['/page/icon.svg', /^image\/svg\+xml/],
    ['/page/connection.js', /^text\/javascript/],
    ['/page/direct.js', /^text\/javascript/],
    ['/page/dom.js', /^text\/javascript/],
    ['/page/me.js', /^text\/javascript/],
    ['/page/messages.js', /^text\/javascript/],
    ['/page/people.js', /^text\/javascript/],
    ['/page/rooms.js', /^text\/javascript/],
    ['/page/typing.js', /^text\/javascript/],
    ['/page/unsent.js', /^text\/javascript/],
    ['/page/docs.css', /^text\/css/],
    ['/docs/', /^text\/html/],
    ['/docs/history.html', /^text\/html/],
    ['/clients/faye/faye-client.js', /^text\/javascript/],
    ['/clients/eventsource.js', /^text\/javascript/],
    ['/clients/cometd/cometd.js', /^text\/javascript/],
    ['/clients/cometd/Client.js', /^text\/javascript/],
  ])('comes with %s', async (path, type) => {
    await app('/bayeux')
      .get(path)
      .expect(200)
      .expect('Content-Type', type)
      .expect('X-Content-Type-Options', 'nosniff');
  });

  it.each([
    '/',
    '/page/chat.js',
    '/page/connection.js',
    '/page/direct.js',
    '/page/dom.js',
    '/page/me.js',
    '/page/messages.js',
    '/page/people.js',
    '/page/rooms.js',
    '/page/typing.js',
    '/page/unsent.js',
    '/page/theme.css',
    '/page/chat.css',
    '/page/docs.css',
  ])('has no comment for a linter in %s', async (path) => {
    const { text, body } = await app('/bayeux').get(path).buffer(true).expect(200);
    expect(text || String(body)).toMatch(/\w/);
    expect(text || String(body)).not.toMatch(/biome-|eslint|@ts-/);
  });

  it('has under 300 lines of code, so that people can read it as an example', () => {
    const folder = new URL('../../src/http/pages/', import.meta.url);
    const scripts = readdirSync(folder).filter((name) => name.endsWith('.js'));
    const lines = scripts.flatMap((name) => readFileSync(new URL(name, folder), 'utf8').split('\n'));
    const code = lines.filter((line) => !/^\s*($|\/\/|\/\*|\*)/.test(line));
    expect(scripts).toContain('chat.js');
    expect(code.length).toBeGreaterThan(200);
    expect(code.length).toBeLessThan(300);
  });

  it('links to no page of the documentation that is not served', async () => {
    const site = app('/bayeux');
    const seen = new Set<string>();
    const left = ['/docs/'];
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      const { text = '' } = await site.get(path).expect(200);
      const links = Array.from(text.matchAll(/(?:href|src|srcset)="([^"#]+)/g), ([, to = '']) => to);
      for (const to of links) {
        const { origin, pathname } = new URL(to, `http://here.invalid${path}`);
        if (origin === 'http://here.invalid') left.push(pathname);
      }
    }
    expect(seen.size).toBeGreaterThan(20);
  });

  it.each([
    '/elsewhere',
    '/clients/',
    '/clients/cometd/',
    '/clients/cometd/..%2fajv/package.json',
    '/clients/cometd/package.json',
    '/clients/cometd/README.md',
    '/clients/cometd/LICENSE',
    '/clients/cometd/cometd.d.ts',
    '/page/index.html',
    '/page/vendor/faye-client.js',
    '/page/docs/index.html',
    '/clients/faye/',
    '/docs/../index.html',
    '/page/.',
    '/page/..%2fpages.ts',
  ])('leaves %s alone', async (path) => {
    await app('/bayeux')
      .get(path)
      .expect((response) => expect([403, 404]).toContain(response.status));
  });
});

describe('Faye’s browser client', () => {
  const site = supertest(express().use(fayeClient('/bayeux')));

  it.each(['/bayeux/client.js', '/bayeux.js'])('is at %s, with its licence notice', async (path) => {
    const { text } = await site
      .get(path)
      .expect(200)
      .expect('Content-Type', /^text\/javascript/)
      .expect('X-Content-Type-Options', 'nosniff');
    expect(text).toMatch(/^\/\*!\nFaye 1\.4\.\d+, browser client;/);
    expect(text).toContain('Licensed under the Apache License, Version 2.0');
    expect(new Function(`${text}; return Faye.VERSION`)()).toMatch(/^1\.4\./);
  });

  it('leaves the rest of the mount to bayeuxd', async () => {
    await site.get('/bayeux').expect(404);
    await site.post('/bayeux/client.js').expect(404);
  });
});

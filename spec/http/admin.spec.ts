import { readFileSync } from 'node:fs';
import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { type DashboardOptions, dashboard } from '../../src/index.ts';

const app = (options?: DashboardOptions, mount = '/admin') =>
  supertest(express().use(mount, dashboard(options)));

describe('the dashboard', () => {
  it('is a page without a script or style of its own in it', async () => {
    const { text } = await app()
      .get('/admin/')
      .expect(200)
      .expect('Content-Type', /^text\/html; charset=utf-8/);
    expect(text).toContain('<meta name="api" content="../api"');
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|style=|biome-ignore/);
  });

  it.each(['/admin/', '/admin/admin/main.js', '/admin/none'])(
    'is fenced in by its policy: %s',
    async (path) => {
      const { headers } = await app().get(path);
      const isDashboard = path !== '/admin/none';
      const policy =
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; " +
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
      expect(headers['x-content-type-options']).toBe('nosniff');
      // Express answers 404 with a policy of its own.
      if (isDashboard) expect(headers['content-security-policy']).toBe(policy);
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['cache-control']).toBe('no-cache');
    },
  );

  it('names its files relative to the page, so that a proxy may add a prefix', async () => {
    const { text } = await app(undefined, '/deep/er').get('/deep/er/').expect(200);
    const links = Array.from(text.matchAll(/(?:href|src)="([^"#]+)"/g), ([, link = '']) => link);
    expect(links).toContain('admin/main.js');
    for (const link of links) {
      expect(link).not.toMatch(/^(\/|\w+:)/);
      await app(undefined, '/deep/er').get(`/deep/er/${link}`).expect(200);
    }
    await app(undefined, '/deep/er').get('/deep/er?x').expect(301).expect('Location', 'er/');
  });

  it('comes with every module that a module imports, and with uPlot under its licence', async () => {
    const seen = new Set(['admin/main.js']);
    for (const path of seen) {
      const { text } = await app()
        .get(`/admin/${path}`)
        .expect(200)
        .expect('Content-Type', /^text\/javascript/);
      for (const [, target = ''] of text.matchAll(/(?:from|import) '(\.[^']+)'/g))
        seen.add(new URL(target, `http://x/${path}`).pathname.slice(1));
    }
    expect(seen).toContain('vendor/uplot.js');
    expect(seen.size).toBeGreaterThan(15);
    for (const path of ['vendor/uplot.js', 'vendor/uplot.css']) {
      const { text } = await app().get(`/admin/${path}`).expect(200);
      expect(text).toMatch(/^\/\*!\nThe MIT License \(MIT\)\n\nCopyright \(c\) \d+ Leon Sorokin/);
    }
  });

  it('has nothing from elsewhere, and puts no text in as HTML', async () => {
    for (const path of ['theme.css', 'admin/admin.css']) {
      const { text: css } = await app().get(`/admin/${path}`).expect(200);
      expect(css).not.toMatch(/url\(|@import/);
    }
    for (const name of ['main', 'tail', 'sessions', 'channels', 'explain', 'chart']) {
      const text = readFileSync(`src/http/pages/admin/${name}.js`, 'utf8');
      expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|https?:/);
    }
  });

  it.each([
    '/admin/admin/index.html',
    '/admin/index.html',
    '/admin/chat.js',
    '/admin/vendor/faye-client.js',
    '/admin/vendor/',
    '/admin/docs/index.html',
    '/admin/admin/..%2fchat.js',
    '/admin/..%2fdashboard.ts',
    '/adminx',
  ])('leaves %s alone', async (path) => {
    await app().get(path).expect(404);
  });

  it('takes another place of the HTTP API', async () => {
    const { text } = await app({ api: '/push/api' }).get('/admin/');
    expect(text).toContain('<meta name="api" content="/push/api"');
  });

  it.each([
    [
      { api: 'https://elsewhere.example/api' },
      /api must be a path such as "\/api", on the origin of the page/,
    ],
    [{ api: '//elsewhere.example' }, /api must be a path/],
    [{ api: '/a"><script>' }, /api must be a path/],
    [{ api: 7 }, /api must be a path/],
    [{ apis: '/api' }, /has "apis".*"api"/],
    ['/api', /must be an object/],
  ])('refuses the options %j', (options, message) => {
    // As JavaScript may call it.
    expect(() => Reflect.apply(dashboard, undefined, [options])).toThrow(message);
  });
});

import { describe, expect, it } from 'vitest';
import { problems } from '../../src/http/api/problem.ts';
import { routesOf } from '../../src/http/api/routes.ts';
import { Server } from '../../src/index.ts';
import { readPage, rowsOf } from './markdown.ts';

const rows = rowsOf(readPage('docs/http-api.md')).map((cells) =>
  cells.map((cell) => cell.replaceAll('`', '')),
);

describe('docs/http-api.md', () => {
  it('lists the routes there are, with their rights', () => {
    const listed = rows
      .filter(([route = '']) => /^(GET|POST) /.test(route))
      .map((cells) => cells.slice(0, 2));
    const routes = routesOf(new Server()).map(({ method, path, right, everywhere }) => [
      `${method.toUpperCase()} /api${path}`,
      everywhere === true ? `${right}, every channel` : (right ?? 'any'),
    ]);
    expect(listed.sort()).toEqual(routes.sort());
  });

  it('lists the errors there are, with their statuses', () => {
    const at = rows.findIndex(([code, status]) => code === 'code' && status === 'status');
    const listed = rows.slice(at + 1, at + 1 + Object.keys(problems).length);
    expect(listed).toEqual(
      Object.entries(problems).map(([code, [status, when]]) => [
        code,
        String(status),
        when.replaceAll('`', ''),
      ]),
    );
    expect(rows[at + 1 + Object.keys(problems).length]?.[0]).not.toMatch(/^\w+_\w+$/);
  });
});

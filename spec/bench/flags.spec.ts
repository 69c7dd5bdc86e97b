import { describe, expect, it } from 'vitest';
import { run } from './run.ts';

const bench = (...flags: readonly string[]) => run('main.js', flags);

describe('a server that none of the chosen scenarios can measure is refused', () => {
  it.each([
    ['bare', 'W1', '(bayeuxd on bare http, over long-polling); these do: L1, L6, L2b1, L2b10, H1lp, M1lp'],
    ['bayeuxd,cometd', 'W1,P2', '(cometd-nodejs-server 1.2.1, over long-polling); these do: L1, '],
    ['faye', 'ack', '(Faye 1.4.3, over websocket and long-polling); these do: W1, '],
    ['ceiling', 'H1lp,M1lp', '(what a scenario is held against); these do: W1, '],
  ])('%s in %s', async (servers, scenarios, reason) => {
    const { status, stdout, stderr } = await bench('--servers', servers, '--scenario', scenarios);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`none of the chosen scenarios measures ${servers.split(',').at(-1)} ${reason}`);
  });

  it('the other build in what features cost', async () => {
    const { status, stderr } = await bench('--before', 'index.js', '--scenario', 'cost');
    expect(status).toBe(2);
    expect(stderr).toContain('measures before (bayeuxd, the other build, ');
  });
});

describe('a server that some of them can measure', () => {
  const brief = ['--rounds', '1', '--seconds', '0.1', '--warmup', '0', '--quiet', '2'];
  const some = ['--servers', 'ceiling', '--scenario', 'L2b1,H1lp', ...brief];

  it('is left out of the others, and the output says so', async () => {
    const { stdout } = await bench(...some);
    expect(stdout).toContain('\nleft out: ceiling of H1lp\n');
    expect(stdout).toContain('\nL2b1: ');
    expect(stdout).not.toContain('\nH1lp: ');
  });

  it('is left out of the others, and the document says so', async () => {
    const { stdout } = await bench(...some, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      leftOut: [{ server: 'ceiling', scenarios: ['H1lp'] }],
      scenarios: [{ id: 'L2b1' }],
    });
  });
});

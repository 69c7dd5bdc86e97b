import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

interface Link {
  readonly near: Socket;
  readonly far: Socket;
  isDark: boolean;
}

/**
 * Stands before a server, and can take the network away from under its connections: the server sees neither FIN nor RST, and what
 * it writes is read by nobody.
 */
export class DarkProxy {
  readonly #links = new Set<Link>();
  readonly #server = createServer((near) => this.#join(near));
  readonly #port: number;

  private constructor(port: number) {
    this.#port = port;
  }

  /** Listens before the server at this URL, as long as the test lasts. */
  static async before(url: string): Promise<DarkProxy> {
    const proxy = new DarkProxy(Number(new URL(url).port));
    await new Promise<void>((resolve) => void proxy.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      for (const { near, far } of proxy.#links) {
        near.destroy();
        far.destroy();
      }
      proxy.#server.close();
    });
    return proxy;
  }

  /** `http://127.0.0.1:PORT` */
  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From here on nothing passes by the connections there are. New ones work. */
  darken(): void {
    for (const link of this.#links) {
      link.isDark = true;
      link.near.pause();
      link.far.pause();
    }
  }

  /** The clients notice: they lose the connections that are dark. The server still sees nothing. */
  hangUp(): void {
    for (const { near, isDark } of this.#links) if (isDark) near.destroy();
  }

  /** The server loses the connections that are dark, by a reset. */
  kill(): void {
    for (const { far, isDark } of this.#links) if (isDark) far.resetAndDestroy();
  }

  #join(near: Socket): void {
    const far = connect(this.#port, '127.0.0.1');
    const link = { near, far, isDark: false };
    this.#links.add(link);
    near.pipe(far, { end: false });
    far.pipe(near, { end: false });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => {
        if (link.isDark) return;
        this.#links.delete(link);
        other.destroy();
      });
      one.on('end', () => {
        if (!link.isDark) other.end();
      });
    }
  }
}

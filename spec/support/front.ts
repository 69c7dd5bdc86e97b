import { createServer, request, type Server as HttpServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A proxy that sends each request, and each WebSocket, to the next of some ports. It keeps no connection to them. */
export class Front {
  readonly #http: HttpServer;
  readonly #sockets = new Set<Socket>();
  #ports: readonly number[] = [];
  #next = 0;
  /** Which ports got requests so far, in order. */
  readonly sent: number[] = [];

  constructor() {
    this.#http = createServer((req, res) => {
      const { method, url: path, headers } = req;
      const target = { host: '127.0.0.1', port: this.#port(), method, path, agent: false };
      const onward = request({ ...target, headers: { ...headers, connection: 'close' } }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
        answer.on('error', () => res.destroy());
      });
      onward.on('error', () => {
        if (res.headersSent) res.destroy();
        else res.writeHead(502).end();
      });
      res.on('close', () => onward.destroy());
      req.pipe(onward);
    });
    this.#http.on('upgrade', ({ method, url, rawHeaders }, socket, head) => {
      const onward = connect(this.#port(), '127.0.0.1', () => {
        const lines = rawHeaders.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`));
        onward.write(`${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n`);
        onward.write(head);
        onward.pipe(socket).pipe(onward);
      });
      for (const one of [onward, socket]) one.on('error', () => {});
      onward.on('close', () => socket.destroy());
      socket.on('close', () => onward.destroy());
    });
    this.#http.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  set ports(ports: readonly number[]) {
    this.#ports = ports;
  }

  /** `http://127.0.0.1:PORT` */
  get origin(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  open(): Promise<void> {
    return new Promise((resolve) => void this.#http.listen(0, '127.0.0.1', resolve));
  }

  /** Cuts every connection there is. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.#http.close(() => resolve()));
  }

  #port(): number {
    const port = this.#ports[this.#next % this.#ports.length] ?? 0;
    this.#next += 1;
    this.sent.push(port);
    return port;
  }
}

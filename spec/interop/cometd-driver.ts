import type { CometD, Configuration, Message, SubscriptionHandle } from 'cometd';
import type { Driver, Heard } from './driver.ts';

/** For a client whose connections are cut all the time: it tries again at once, and never waits long. */
export const eager: Backoff = { backoffIncrement: 10, maxBackoff: 50 };

type Backoff = Pick<Configuration, 'backoffIncrement' | 'maxBackoff'>;

/**
 * A CometD client of any version, kept to one transport if one is named. It subscribes again after a new handshake, as applications do.
 * Refers to nothing outside itself, so that a page can run it too.
 */
export function cometdDriver(
  cometd: CometD,
  url: string,
  transport?: string,
  backoff: Backoff = { backoffIncrement: 100 },
): Driver {
  const heard: Heard[] = [];
  const handles = new Map<string, SubscriptionHandle>();
  let handshakes = 0;
  let inUse = 'none';

  cometd.configure({ url, logLevel: 'warn', useWorkerScheduler: false, ...backoff });
  for (const type of cometd.getTransportTypes())
    if (transport !== undefined && type !== transport) cometd.unregisterTransport(type);

  cometd.registerExtension('watch', {
    outgoing(message) {
      inUse = message.connectionType ?? inUse;
      return message;
    },
  });

  const hear = (pattern: string) => (message: Message) =>
    void heard.push({ pattern, channel: message.channel, data: message.data });
  const answered = (act: (callback: (reply: Message) => void) => void): Promise<void> =>
    new Promise((resolve, reject) =>
      act((reply) => (reply.successful ? resolve() : reject(new Error(reply.error ?? 'no reply')))),
    );

  cometd.addListener('/meta/handshake', ({ successful }) => {
    if (!successful) return;
    handshakes += 1;
    if (handshakes > 1)
      for (const [pattern] of handles) handles.set(pattern, cometd.subscribe(pattern, hear(pattern)));
  });

  return {
    open: () =>
      new Promise((resolve, reject) => {
        cometd.addListener('/meta/connect', ({ successful }) => void (successful && resolve()));
        cometd.handshake(({ successful, advice, error }) => {
          if (!successful && advice?.reconnect === 'none') reject(new Error(error));
        });
      }),
    transport: () => inUse,
    subscribe: (pattern) =>
      answered((callback) => handles.set(pattern, cometd.subscribe(pattern, hear(pattern), callback))),
    unsubscribe(pattern) {
      const handle = handles.get(pattern);
      handles.delete(pattern);
      return answered((callback) => cometd.unsubscribe(handle ?? {}, callback));
    },
    publish: (channel, data) => answered((callback) => cometd.publish(channel, data, callback)),
    async batch(messages) {
      const all: Promise<void>[] = [];
      cometd.batch(() => {
        for (const [channel, data] of messages) {
          all.push(answered((callback) => cometd.publish(channel, data, callback)));
        }
      });
      await Promise.all(all);
    },
    heard: () => heard,
    handshakes: () => handshakes,
    stopped: () => cometd.isDisconnected(),
    close: () => answered((callback) => cometd.disconnect(callback)),
  };
}

/**
 * Questions and answers between two processes joined by an IPC channel.
 *
 * @typedef {{ send?: Function, on: Function, once: Function }} Channel
 * @typedef {{ ask(name: string, value?: unknown): Promise<any> }} Link
 */

/**
 * Answers questions of the other process with `handlers`, and sends questions to it.
 *
 * @param {any} channel `process` in a child, the `ChildProcess` in its parent.
 * @param {Record<string, (value: any) => unknown>} handlers
 * @returns {Link}
 */
export function link(channel, handlers = {}) {
  /** @type {Map<number, { resolve(value: unknown): void, reject(error: Error): void }>} */
  const waiting = new Map();
  let asked = 0;

  channel.on('message', (/** @type {any} */ message) => {
    if ('question' in message) void answer(channel, handlers, message);
    else settle(message);
  });
  for (const event of ['disconnect', 'exit', 'error']) channel.once(event, failAll);

  function settle(/** @type {any} */ { reply, value, error }) {
    const waiter = waiting.get(reply);
    waiting.delete(reply);
    if (error === undefined) waiter?.resolve(value);
    else waiter?.reject(new Error(error));
  }

  function failAll() {
    for (const waiter of waiting.values()) waiter.reject(new Error('the other process is gone'));
    waiting.clear();
  }

  return {
    ask(name, value) {
      return new Promise((resolve, reject) => {
        const question = ++asked;
        waiting.set(question, { resolve, reject });
        channel.send({ question, name, value }, (/** @type {Error | null} */ error) => {
          if (error) settle({ reply: question, error: error.message });
        });
      });
    },
  };
}

async function answer(
  /** @type {any} */ channel,
  /** @type {any} */ handlers,
  /** @type {any} */ { question, name, value },
) {
  try {
    channel.send({ reply: question, value: await handlers[name](value) });
  } catch (error) {
    channel.send({
      reply: question,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

"""An aiocometd client that does what it is told: a command a line, in JSON, and an answer a line."""
import asyncio
import json
import logging
import sys


def without_loop(target):
    """aiocometd 0.4.5 passes `loop`, which asyncio took until Python 3.9."""

    def call(*args, loop=None, **named):
        return target(*args, **named)

    return call


for name in ("Semaphore", "Condition", "sleep", "wait", "wait_for"):
    setattr(asyncio, name, without_loop(getattr(asyncio, name)))

import aiocometd  # noqa: E402


class Watch(aiocometd.Extension):
    """Counts handshakes."""

    handshakes = 0

    async def incoming(self, payload, headers=None):
        for message in payload:
            if message["channel"] == "/meta/handshake" and message.get("successful"):
                self.handshakes += 1

    async def outgoing(self, payload, headers):
        pass


class Driver:
    def __init__(self, url, transport):
        self.watch = Watch()
        self.client = aiocometd.Client(
            url,
            connection_types=[aiocometd.ConnectionType(transport)],
            connection_timeout=None,
            extensions=[self.watch],
        )
        self.messages = []
        self.is_stopped = False

    async def open(self):
        await self.client.open()
        self.reading = asyncio.ensure_future(self.read())

    async def read(self):
        try:
            while True:
                message = await self.client.receive()
                self.messages.append({"channel": message["channel"], "data": message["data"]})
        except aiocometd.exceptions.AiocometdException:
            self.is_stopped = True

    async def transport(self):
        return self.client.connection_type.value

    async def subscribe(self, pattern):
        await self.client.subscribe(pattern)

    async def unsubscribe(self, pattern):
        await self.client.unsubscribe(pattern)

    async def publish(self, channel, data):
        await self.client.publish(channel, data)

    async def heard(self):
        return self.messages

    async def handshakes(self):
        return self.watch.handshakes

    async def stopped(self):
        return self.is_stopped

    async def close(self):
        await self.client.close()
        self.is_stopped = True


async def main(url, transport):
    driver = Driver(url, transport)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )

    async def answer(number, method, args):
        try:
            reply = {"value": await getattr(driver, method)(*args)}
        except Exception as error:
            reply = {"error": repr(error)}
        print(json.dumps({"number": number, **reply}), flush=True)

    tasks = set()
    async for line in lines:
        task = asyncio.ensure_future(answer(*json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


logging.disable()
asyncio.run(main(*sys.argv[1:]))

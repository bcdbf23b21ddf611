"""Receives alerts with `websockets` and decodes their pictures: python receive.py SOCKET_URL"""

import asyncio
import base64
import json
import sys
from collections import deque
from datetime import datetime

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

HEARTBEAT = 30
# The newest pictures, for whoever would show them.
kept = deque(maxlen=50)


async def main(url):
    # It reconnects by itself, with a growing pause.
    async for socket in connect(url, compression=None, max_size=16 << 20):
        heartbeat = asyncio.create_task(beat(socket))
        try:
            async for text in socket:
                await hear(socket, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            heartbeat.cancel()


async def hear(socket, message):
    if message["type"] == "ping":
        await say(socket, type="pong", timestamp=datetime.now().isoformat())
    elif message["type"] == "anomaly_detected":
        kept.append((message, base64.b64decode(message["annotated_frame"])))
        await say(socket, type="ack", stream_id=message["stream_id"])


async def beat(socket):
    while True:
        await asyncio.sleep(HEARTBEAT)
        await say(socket, type="ping", timestamp=datetime.now().isoformat())


async def say(socket, **message):
    await socket.send(json.dumps(message))


asyncio.run(main(sys.argv[1]))

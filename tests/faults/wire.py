"""A cable between two servers, as a process of its own: `python -m tests.faults.wire PORT TARGET CHANCE SEED`.

It leads from a port of the loopback to TARGET, another port there or the path of a socket. SIGUSR1 breaks it: of each
piece that passes, by CHANCE, a part arrives, and both ends get a reset. SIGUSR2 mends it.
"""

import asyncio
import random
import signal
import socket
import struct
import sys
from contextlib import suppress

from tests.several_nodes.machines import HOST

PIECE = 1 << 16  # bytes at most
# Closed so, a socket says RST and not FIN: socket(7).
AT_ONCE = struct.pack("ii", 1, 0)


class Wire:
    def __init__(self, target: str, chance: float, seed: str) -> None:
        self.is_broken = False
        self._target, self._chance = target, chance
        self._random = random.Random(seed)

    def set_broken(self, value: bool) -> None:
        self.is_broken = value

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            there = await self._reach()
            ends.append(there[1])
            await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        except OSError:
            for end in ends:
                with suppress(OSError):  # it is closed already
                    end.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE
                    )
                end.transport.abort()
        else:
            for end in ends:
                end.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._target.isdecimal():
            return await asyncio.open_connection(HOST, int(self._target))
        return await asyncio.open_unix_connection(self._target)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            if self.is_broken and self._random.random() < self._chance:
                writer.write(piece[: self._random.randrange(len(piece))])
                raise ConnectionResetError
            writer.write(piece)
            await writer.drain()
        writer.write_eof()


async def main(port: str, target: str, chance: str, seed: str) -> None:
    wire = Wire(target, float(chance), seed)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, wire.set_broken, True)
    loop.add_signal_handler(signal.SIGUSR2, wire.set_broken, False)
    async with await asyncio.start_server(wire.join, HOST, int(port)) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""Which TCP ports of an address take connections, seen from here; one line a port."""

from __future__ import annotations

import asyncio
import sys

TOGETHER = 512
SECONDS = 3.0


async def opened(address: str, port: int, turns: asyncio.Semaphore) -> int:
    """The port, or 0 where it takes none."""
    async with turns:
        try:
            _reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), SECONDS)
        except (OSError, asyncio.TimeoutError):
            return 0
        writer.close()
        return port


async def main(address: str, ports: list[int]) -> None:
    """Print those that are open."""
    turns = asyncio.Semaphore(TOGETHER)
    found = await asyncio.gather(*(opened(address, port, turns) for port in ports))
    print("\n".join(str(port) for port in found if port))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], [int(port) for port in sys.argv[2:]] or list(range(1, 65536))))

"""What the proxy's API answers at these addresses, seen from here; nothing where nobody listens."""

from __future__ import annotations

import http.client
import sys

for address in sys.argv[1:]:
    connection = http.client.HTTPConnection(address, 8080, timeout=3)
    try:
        connection.request("GET", "/api/rawdata")
        print(connection.getresponse().status)
    except OSError:
        pass
    finally:
        connection.close()

# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site of files: the image that serves it, as a Dockerfile and a server's configuration. Pure.

The site is a layer of the image, so that it is published, kept, gone back to and pruned
like any other artifact. What a page that is still open may ask for is kept beside it for a while (`OLD`).
"""

from __future__ import annotations

import json
import re

from ..values.identity import Document

PORT = 8080
USER = "10001:10001"
SITE, OLD, CONFIG = "/srv/site", "/srv/old", "/etc/tidegate"
GENERATED, CONFIG_FILE, TREE = ".tidegate.Dockerfile", ".tidegate.server", "source"
PAGES = (".html", ".htm")
# What bundlers name by content: a dot or hyphen, eight or more letters, digits, _ or -, with a digit among them, and an
# extension (Vite, webpack, Rollup, esbuild). Its content never changes under the name; all else is asked for again.
_BY_CONTENT = r"[.-](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{8,}\.[a-z0-9]+$"
_TEXTS = ("text/css", "text/plain", "text/xml", "application/javascript", "application/json", "image/svg+xml")
_IMMUTABLE = "public, max-age=31536000, immutable"


def dockerfile(facts: Document) -> str:
    """The Dockerfile of a site.

    :param facts: `server`, `image`, `output`, `build_image`, `build_command`.
    """
    lines = []
    origin = ["COPY", f"{TREE}/{facts['output']}/"]
    if facts["build_command"]:
        command = json.dumps(["/bin/sh", "-ec", facts["build_command"]])
        lines += [f"FROM {facts['build_image']} AS build", "WORKDIR /build", f"COPY {TREE}/ ./", f"RUN {command}"]
        origin = ["COPY --from=build", f"/build/{facts['output']}/"]
    start = {
        "caddy": ["caddy", "run", "--adapter", "caddyfile", "--config", f"{CONFIG}/server"],
        "nginx": ["nginx", "-e", "/dev/stderr", "-c", f"{CONFIG}/server"],
    }[facts["server"]]
    lines += [
        f"FROM {facts['image']}",
        f"COPY {CONFIG_FILE} {CONFIG}/server",
        f"{origin[0]} {json.dumps([origin[1], SITE + '/'])}",
        f"ENV XDG_CONFIG_HOME=/tmp XDG_DATA_HOME=/tmp HOME=/tmp\nUSER {USER}\nWORKDIR {SITE}\nEXPOSE {PORT}",
        f"ENTRYPOINT []\nCMD {json.dumps(start)}",
    ]
    return "\n".join(lines) + "\n"


def config(facts: Document) -> str:
    """The server's configuration.

    :param facts: `server`, `spa`, `not_found`, `headers`.
    """
    return {"caddy": _caddy, "nginx": _nginx}[facts["server"]](facts)


def _caddy(facts: Document) -> str:
    """https://caddyserver.com/docs/caddyfile; what a request names is looked for here, then among the old assets."""
    headers = [f"    header {name} {_quoted(value)}" for name, value in sorted(facts["headers"].items())]
    tries = "{path} {path}/index.html {path}.html" + (" /index.html" if facts["spa"] else "")
    page = _quoted(f"/{facts['not_found']}")
    missing = [
        "    handle_errors 404 {",
        f"        root * {SITE}",
        f"        rewrite * {page}",
        "        file_server",
        "    }",
    ]
    return "\n".join(
        [
            "{",
            "    admin off",
            "    auto_https off",
            "    persist_config off",
            "}",
            f":{PORT} {{",
            "    encode zstd gzip",
            *headers,
            "    @by_content {",
            f"        path_regexp {_quoted(_go(_BY_CONTENT))}",
            f"        file {{\n            root {SITE}\n            try_files {{path}}\n        }}",
            "    }",
            f"    header @by_content Cache-Control {_quoted(_IMMUTABLE)}",
            "    header ?Cache-Control no-cache",
            "    @old {",
            f"        file {{\n            root {OLD}\n            try_files {{path}}\n        }}",
            f"        not file {{\n            root {SITE}\n            try_files {{path}}\n        }}",
            "    }",
            "    handle @old {",
            f"        root * {OLD}",
            f"        header Cache-Control {_quoted(_IMMUTABLE)}",
            "        file_server",
            "    }",
            f"    handle {{\n        root * {SITE}\n        try_files {tries}\n        file_server\n    }}",
            *(missing if facts["not_found"] else []),
            "}",
            "",
        ]
    )


def _go(pattern: str) -> str:
    """The same for an expression language without lookahead; a name of letters alone counts as made by content, too."""
    return pattern.replace("(?=[A-Za-z_-]*[0-9])", "")


def _nginx(facts: Document) -> str:
    """https://nginx.org/en/docs/; nothing is written but below /tmp."""
    headers = [
        f"        add_header {name} {_escaped(value)} always;" for name, value in sorted(facts["headers"].items())
    ]
    last = "try_files /index.html =404;" if facts["spa"] else "return 404;"
    missing = [f"        error_page 404 {_escaped('/' + facts['not_found'])};"] if facts["not_found"] else []
    temporary = [f"    {kind}_temp_path /tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    return "\n".join(
        [
            "daemon off;",
            "worker_processes auto;",
            "pid /tmp/nginx.pid;",
            "error_log /dev/stderr warn;",
            "events { worker_connections 1024; }",
            "http {",
            "    include /etc/nginx/mime.types;",
            "    default_type application/octet-stream;",
            "    access_log off;",
            "    sendfile on;",
            "    server_tokens off;",
            "    absolute_redirect off;",
            "    gzip on;",
            "    gzip_vary on;",
            "    gzip_proxied any;",
            f"    gzip_types {' '.join(_TEXTS)};",
            *temporary,
            f'    map $uri $caching {{ default "no-cache"; "~{_BY_CONTENT}" "{_IMMUTABLE}"; }}',
            "    server {",
            f"        listen {PORT};",
            f"        root {SITE};",
            "        add_header Cache-Control $caching;",
            *headers,
            *missing,
            "        location / { try_files $uri $uri/index.html $uri.html @old; }",
            f"        location @old {{ root {OLD}; try_files $uri @last; }}",
            f"        location @last {{ {last} }}",
            "    }",
            "}",
            "",
        ]
    )


def _quoted(value: str) -> str:
    """A word of a Caddyfile: only a quote has to be escaped; a backslash stands for itself, but not before a quote."""
    if re.search(r'\\("|$)', value):
        return f"`{value}`"
    return '"' + value.replace('"', '\\"') + '"'


def _escaped(value: str) -> str:
    """A word of nginx's configuration."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def kept(path: str) -> bool:
    """True for a file that an open page may still ask for after a switch: anything but pages themselves."""
    return not path.endswith(PAGES)

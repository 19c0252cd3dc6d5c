# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that a declaration means together with its `version`. Pure. Private to tidegate.platform."""

from __future__ import annotations

import re


def tagged(image: str, version: str) -> str:
    """The same image with a version as its tag, in place of a tag or digest that it has."""
    return f"{re.sub(r'(:[^/@]+)?(@sha256:[0-9a-f]+)?$', '', image, count=1)}:{version}"

# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core: what the modules of this collection run. Private to tidegate.platform.

Rooms, in the order in which they may import: a file imports files of its own room and of rooms before it.
`values`, `host`, `engine`, `proxy`, `sources`, `options`, `decide`, `deploy`, `stories`.
"""

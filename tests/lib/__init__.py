# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the bus tests stand on: a private world, clients of other uids, servers that misbehave."""

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/** Prints what `ferry --help` says to stdout. */
void ferry_help_print (void);

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-verb.h"

FerryExit
ferry_command_resume (int argc, char **argv)
{
  return ferry_verb_command (argc, argv, "resume", "Resume");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"

static const FerryCommand commands[] = {
  { "get", "URL...", "fetch files and wait for them", ferry_command_get },
  { "put", "FILE URL", "send a file and wait for it", ferry_command_put },
  { "list", "", "list your jobs and what they wait for", ferry_command_list },
  { "show", "ID", "show all about a job and its files", ferry_command_show },
  { "watch", "[ID]", "follow a job, or all of yours, live", ferry_command_watch },
  { "wait", "ID...", "wait until jobs have fetched or sent all", ferry_command_wait },
  { "suspend", "ID...", "stop jobs for now", ferry_command_suspend },
  { "resume", "ID...", "let jobs go on, failed ones too", ferry_command_resume },
  { "complete", "ID...", "end jobs, give fetched files their final names", ferry_command_complete },
  { "cancel", "ID...", "give jobs up, and what they have fetched or sent", ferry_command_cancel },
  { "take", "ID...", "make another user's jobs your own", ferry_command_take },
  { "set", "ID KEY=VALUE...", "change properties of a job", ferry_command_set },
  { "add", "ID URL PATH", "add a file to a job", ferry_command_add },
  { "remove", "ID INDEX", "remove a file from a job", ferry_command_remove },
  { "url", "ID INDEX URL", "give a file of a job another URL", ferry_command_url },
  { "header", "ID HEADER...", "give a job its secret request headers", ferry_command_header },
  { "login", "URL", "save a password or token for a server in your keyring", ferry_command_login },
  { "logout", "URL", "remove what login saved for a server", ferry_command_logout },
  { "policy", "[get KEY|set KEY VALUE|reset KEY]", "show or change what the machine allows",
    ferry_command_policy },
  { "doctor", "", "say what is wrong with the installation", ferry_command_doctor },
  { "help", "[COMMAND]", "tell about a command", ferry_command_help },
  { NULL, NULL, NULL, NULL },
};

const FerryCommand *
ferry_commands_get (void)
{
  return commands;
}

const FerryCommand *
ferry_commands_find (const char *name)
{
  for (gsize i = 0; commands[i].name != NULL; i++)
    {
      if (g_str_equal (commands[i].name, name))
        return &commands[i];
    }

  return NULL;
}

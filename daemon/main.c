/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ferryd: options, privileges, and the service. */

#include "ferry-config.h"
#include "ferry-direct-launcher.h"
#include "ferry-names.h"
#include "ferry-policy.h"
#include "ferry-service.h"
#include "ferry-systemd-launcher.h"
#include "ferry-temporary-files.h"

#include <errno.h>
#include <glib-unix.h>
#include <grp.h>
#include <linux/capability.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_USAGE 2

typedef enum
{
  LAUNCHER_SYSTEMD,
  LAUNCHER_DIRECT,
} Launcher;

typedef struct
{
  char *launcher_name; /* (owned) (nullable) */
  Launcher launcher;
  char *state_directory;   /* (owned) (type filename) */
  char *runtime_directory; /* (owned) (type filename) */
  char *worker;            /* (owned) (type filename) */
  gboolean list_temporary_files;
  gboolean version;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->launcher_name);
  g_free (options->state_directory);
  g_free (options->runtime_directory);
  g_free (options->worker);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* systemd gives a colon-separated list; the first one is ours. */
static char *
get_directory (char *option, const char *variable)
{
  const char *value = g_getenv (variable);
  g_auto (GStrv) parts = NULL;

  if (option != NULL || value == NULL)
    return option;
  parts = g_strsplit (value, ":", 2);
  return g_strdup (parts[0]);
}

static gboolean
parse_launcher (Options *options, GError **error)
{
  if (options->launcher_name == NULL || g_str_equal (options->launcher_name, "systemd"))
    options->launcher = LAUNCHER_SYSTEMD;
  else if (g_str_equal (options->launcher_name, "direct"))
    options->launcher = LAUNCHER_DIRECT;
  else
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "There is no launcher '%s', only systemd and direct", options->launcher_name);
      return FALSE;
    }

  if (options->launcher == LAUNCHER_SYSTEMD && options->worker != NULL)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "--worker needs --launcher=direct; systemd takes the worker from the "
                           "unit ferry-worker@.service");
      return FALSE;
    }
  if (options->worker == NULL)
    options->worker = g_strdup (FERRY_LIBEXECDIR "/ferry-worker");
  return TRUE;
}

static gboolean
parse_options (int *argc, char ***argv, Options *options, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- background transfers");
  const GOptionEntry entries[] = {
    { "launcher", 0, 0, G_OPTION_ARG_STRING, &options->launcher_name,
      "How workers are started: systemd or direct (default: systemd)", "HOW" },
    { "state-directory", 0, 0, G_OPTION_ARG_FILENAME, &options->state_directory,
      "Where jobs are stored (default: $STATE_DIRECTORY)", "DIR" },
    { "runtime-directory", 0, 0, G_OPTION_ARG_FILENAME, &options->runtime_directory,
      "Where the workers' socket is (default: $RUNTIME_DIRECTORY)", "DIR" },
    { "worker", 0, 0, G_OPTION_ARG_FILENAME, &options->worker,
      "The worker program, with --launcher=direct (default: " FERRY_LIBEXECDIR "/ferry-worker)",
      "PATH" },
    { "list-temporary-files", 0, 0, G_OPTION_ARG_NONE, &options->list_temporary_files,
      "List what unfinished jobs have on disk and exit; see ferryd(8)", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Say the version and exit", NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (options->version)
    return TRUE;
  if (*argc > 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "Unexpected argument '%s'",
                   (*argv)[1]);
      return FALSE;
    }

  options->state_directory = get_directory (options->state_directory, "STATE_DIRECTORY");
  options->runtime_directory = get_directory (options->runtime_directory, "RUNTIME_DIRECTORY");
  if (options->state_directory == NULL ||
      (options->runtime_directory == NULL && !options->list_temporary_files))
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                           "Say where to keep things: --state-directory and --runtime-directory, "
                           "or STATE_DIRECTORY and RUNTIME_DIRECTORY");
      return FALSE;
    }
  return parse_launcher (options, error);
}

/* == privileges == */

static gboolean
fail (GError **error, const char *what)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "%s: %s", what,
               g_strerror (saved));
  return FALSE;
}

/* Root becomes the service's own user, for good. */
static gboolean
drop_privileges (GError **error)
{
  const struct passwd *user;

  if (geteuid () != 0)
    return TRUE;

  errno = 0;
  user = getpwnam (FERRY_USER);
  if (user == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "There is no user '%s' to run as; create it, or install Ferry with its "
                   "sysusers.d file",
                   FERRY_USER);
      return FALSE;
    }
  if (initgroups (FERRY_USER, user->pw_gid) != 0 ||
      setresgid (user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
      setresuid (user->pw_uid, user->pw_uid, user->pw_uid) != 0)
    return fail (error, "Becoming user '" FERRY_USER "'");
  if (setuid (0) == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Root's rights are still there");
      return FALSE;
    }
  return TRUE;
}

/* A change of uid leaves what would be inherited, and a container's init may have given us some of that. Where there is
 * nothing to drop we do not ask: the unit's filter of system calls refuses the call. */
static gboolean
drop_capabilities (GError **error)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

  if (prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
      syscall (SYS_capget, &header, held) != 0 ||
      (memcmp (held, none, sizeof none) != 0 && syscall (SYS_capset, &header, none) != 0))
    return fail (error, "Dropping capabilities");
  return TRUE;
}

static gboolean
check_directory (const char *path, GError **error)
{
  struct stat info;

  if (stat (path, &info) != 0)
    return fail (error, path);
  if (!S_ISDIR (info.st_mode) || info.st_uid != geteuid ())
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                   "%s must be a directory of uid %u, which ferryd runs as", path, geteuid ());
      return FALSE;
    }
  return TRUE;
}

/* Forks the helper while there is one thread and still the right to change the uid, then gives that right up. */
static int
start_helper (const Options *options, GError **error)
{
  g_autofree char *socket = g_build_filename (options->runtime_directory, FERRY_WORKER_SOCKET_NAME,
                                              NULL);

  if (access (options->worker, X_OK) != 0)
    {
      fail (error, "The worker program");
      g_prefix_error (error, "%s: ", options->worker);
      return -1;
    }
  return ferry_launch_helper_fork (options->worker, socket, error);
}

/* Leaves nothing but the service's own user in its state directory. */
static gboolean
confine (const Options *options, GError **error)
{
  if (!drop_privileges (error) || !drop_capabilities (error))
    return FALSE;
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail (error, "PR_SET_NO_NEW_PRIVS");
  /* Secrets of all users are in our memory: no core dumps, no tracing by others of our uid. */
  prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  umask (077);
  return check_directory (options->state_directory, error);
}

/* @helper: (out): -1 where none is needed */
static gboolean
prepare (const Options *options, int *helper, GError **error)
{
  *helper = -1;
  if (options->launcher == LAUNCHER_DIRECT)
    {
      *helper = start_helper (options, error);
      if (*helper < 0)
        return FALSE;
    }
  if (!confine (options, error) || !check_directory (options->runtime_directory, error))
    return FALSE;

  ferry_policy_prepare_environment (options->runtime_directory);
  return TRUE;
}

/* == running == */

/* libdconf warns of every database that is absent, which is no error here; what is one the policy reports itself, by
 * key and file. */
static GLogWriterOutput
writer_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  /* It logs in the structured way, which g_log_set_handler() does not see. */
  for (gsize i = 0; level == G_LOG_LEVEL_WARNING && i < n_fields; i++)
    {
      if (g_strcmp0 (fields[i].key, "GLIB_DOMAIN") == 0 &&
          g_strcmp0 (fields[i].value, "dconf") == 0)
        return G_LOG_WRITER_HANDLED;
    }

  return g_log_writer_default (level, fields, n_fields, data);
}

static gboolean
signal_cb (gpointer data)
{
  ferry_service_quit (data);
  return G_SOURCE_CONTINUE;
}

/* Returns: (transfer full) (nullable): %NULL with @error */
static FerryService *
make_service (const Options *options, int helper, GError **error)
{
  g_autoptr (FerryClock) clock = ferry_system_clock_new ();
  g_autoptr (FerryNetwork) network = ferry_system_network_new ();
  g_autoptr (GDBusConnection) connection = ferry_service_connect (error);
  g_autoptr (FerryLauncher) launcher = NULL;

  if (connection == NULL)
    return NULL;

  launcher = options->launcher == LAUNCHER_DIRECT ? ferry_direct_launcher_new (helper)
                                                  : ferry_systemd_launcher_new (connection);
  return ferry_service_new (clock, network, launcher, connection, options->state_directory,
                            options->runtime_directory, error);
}

static int
serve (const Options *options, int helper)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryService) service = make_service (options, helper, &error);
  guint sources[2];
  int status;

  if (service == NULL)
    {
      g_printerr ("ferryd: %s\n", error->message);
      return EXIT_FAILURE;
    }

  sources[0] = g_unix_signal_add (SIGTERM, signal_cb, service);
  sources[1] = g_unix_signal_add (SIGINT, signal_cb, service);
  status = ferry_service_run (service);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  return status;
}

static gboolean
list_temporary_files (const Options *options, GError **error)
{
  g_autoptr (GBytes) list = NULL;
  gsize size;
  const void *bytes;

  if (!confine (options, error))
    return FALSE;
  list = ferry_temporary_files_list (options->state_directory, error);
  if (list == NULL)
    return FALSE;

  bytes = g_bytes_get_data (list, &size);
  if (fwrite (bytes, 1, size, stdout) != size || fflush (stdout) != 0)
    return fail (error, "Writing the list");
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GError) error = NULL;
  int helper;

  setlocale (LC_ALL, "");
  g_log_set_writer_func (writer_cb, NULL, NULL);
  if (!parse_options (&argc, &argv, &options, &error))
    {
      g_printerr ("ferryd: %s\n", error->message);
      return EXIT_USAGE;
    }
  if (options.version)
    {
      g_print ("ferryd " FERRY_VERSION "\n");
      return EXIT_SUCCESS;
    }

  if (options.list_temporary_files)
    {
      if (list_temporary_files (&options, &error))
        return EXIT_SUCCESS;
    }
  else if (prepare (&options, &helper, &error))
    return serve (&options, helper);

  g_printerr ("ferryd: %s\n", error->message);
  return EXIT_FAILURE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine-world.h"

#include "ferry-config.h"
#include "ferry-names.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* == a network with a switch == */

#define TYPE_SWITCH_NETWORK (switch_network_get_type ())
G_DECLARE_FINAL_TYPE (SwitchNetwork, switch_network, SWITCH, NETWORK, GObject)

struct _SwitchNetwork
{
  GObject parent_instance;
  gboolean available;
};

static gboolean
switch_network_is_available (FerryNetwork *network)
{
  return SWITCH_NETWORK (network)->available;
}

/* One network is next door: 192.0.2.0/24 (RFC 5737). */
static gboolean
switch_network_can_reach (FerryNetwork *network, GInetAddress *address)
{
  g_autofree char *text = g_inet_address_to_string (address);

  return g_str_has_prefix (text, "192.0.2.");
}

static void
switch_network_iface_init (FerryNetworkInterface *iface)
{
  iface->can_reach = switch_network_can_reach;
  iface->is_available = switch_network_is_available;
}

G_DEFINE_TYPE_WITH_CODE (SwitchNetwork, switch_network, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (FERRY_TYPE_NETWORK, switch_network_iface_init))

static void
switch_network_class_init (SwitchNetworkClass *class)
{
}

static void
switch_network_init (SwitchNetwork *self)
{
  self->available = TRUE;
}

/* == a worker in this process == */

#define TYPE_PUPPET_LAUNCHER (puppet_launcher_get_type ())
G_DECLARE_FINAL_TYPE (PuppetLauncher, puppet_launcher, PUPPET, LAUNCHER, GObject)

struct _PuppetLauncher
{
  GObject parent_instance;

  World *world;    /* (unowned) */
  FerryLink *link; /* (owned) (nullable) */
};

static void
order_free (gpointer data)
{
  Order *order = data;

  g_free (order->kind);
  g_variant_unref (order->arguments);
  g_free (order);
}

#define TARGET_EXISTS                                                                              \
  "{'Error': <{'Name': <'org.ferry.Transfer1.Error.TargetExists'>, "                               \
  "'Message': <'It is there'>}>, 'Index': <uint32 0>}"

static GVariant *
get_sources (GVariant *arguments)
{
  g_autoptr (GVariant)
      paths = g_variant_lookup_value (arguments, "Paths", G_VARIANT_TYPE_STRING_ARRAY);
  gboolean foreign = FALSE;

  g_assert_cmpuint (g_variant_n_children (paths), ==, 1);
  g_variant_lookup (arguments, "NoSymlinks", "b", &foreign);
  return g_variant_new_parsed ("{'Resume': <[{'Inode': <uint64 7>, 'NoSymlinks': <%b>}]>, "
                               "'Sizes': <[%t]>}",
                               foreign, (guint64) WORLD_SOURCE_SIZE);
}

static GVariant *
get_piece (World *world, GVariant *arguments)
{
  gsize length = world->reply != NULL ? strlen (world->reply) : 0;
  guint64 offset;
  guint32 size;

  g_assert_true (g_variant_lookup (arguments, "Offset", "t", &offset));
  g_assert_true (g_variant_lookup (arguments, "Size", "u", &size));
  g_assert_cmpuint (size, <=, FERRY_READ_MAX);
  g_assert_cmpuint (offset, <=, length);
  if (world->piece != 0)
    size = (guint32) world->piece;
  size = (guint32) MIN (size, length - offset);
  return g_variant_new_parsed ("{'Data': <%@ay>}",
                               g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE,
                                                          world->reply + offset, size, 1));
}

/* What an upload sends belongs to its owner: only temporary files of ours are to be touched, wherever they are. */
static void
check_harmless (const char *kind, GVariant *arguments)
{
  const char *path, *name;

  if (g_variant_lookup (arguments, "TemporaryName", "&s", &name))
    {
      g_assert_true (g_str_has_prefix (name, ".ferry-"));
      g_assert_true (g_str_has_suffix (name, ".part"));
    }
  if (!g_variant_lookup (arguments, "Path", "&s", &path) || !g_str_equal (path, WORLD_SOURCE))
    return;

  g_assert_cmpstr (kind, !=, "publish");
  g_assert_cmpstr (kind, !=, "check-publish");
  /* The reply's own. */
  if (!g_str_equal (kind, "start-upload"))
    g_assert_nonnull (strstr (name, "-4294967294."));
}

static GVariant *
get_answer (World *world, const char *kind, GVariant *arguments)
{
  if (g_strcmp0 (world->refuse, kind) == 0)
    return g_variant_new_parsed (world->refusal != NULL ? world->refusal : TARGET_EXISTS);

  if (g_str_equal (kind, "check-sources"))
    return get_sources (arguments);
  if (g_str_equal (kind, "read"))
    return get_piece (world, arguments);
  if (g_str_equal (kind, "check-targets"))
    {
      g_autoptr (GVariant)
          paths = g_variant_lookup_value (arguments, "Paths", G_VARIANT_TYPE ("a(sb)"));
      GVariantBuilder builder;

      g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
      for (gsize i = 0; i < g_variant_n_children (paths); i++)
        g_variant_builder_add_value (&builder,
                                     g_variant_new_parsed ("@a{sv} {'DirectorySeen': <true>}"));
      return g_variant_new_parsed ("{'Resume': <%*>}", g_variant_builder_end (&builder));
    }

  return NULL;
}

static void
on_order (FerryLink *link, guint32 id, const char *kind, GVariant *arguments, gpointer data)
{
  PuppetLauncher *self = data;
  World *world = self->world;
  Order *order = g_new0 (Order, 1);
  guint64 attempt;

  order->id = id;
  order->kind = g_strdup (kind);
  order->arguments = g_variant_get_normal_form (arguments);
  g_ptr_array_add (world->orders, order);
  check_harmless (kind, order->arguments);

  if (id != 0 && world->silent)
    {
      world->unanswered = id;
      g_free (world->unanswered_kind);
      world->unanswered_kind = g_strdup (kind);
      g_clear_pointer (&world->unanswered_arguments, g_variant_unref);
      world->unanswered_arguments = g_variant_ref (order->arguments);
    }
  else if (id != 0)
    ferry_link_send (link, id, "reply", get_answer (world, kind, arguments));
  else if (g_str_equal (kind, "stop") && !world->stubborn)
    {
      g_assert_true (g_variant_lookup (arguments, "Attempt", "t", &attempt));
      world_report (world, attempt, "stopped",
                    world->last_words != NULL ? world->last_words : "{}");
    }
}

static gboolean
exited_cb (gpointer data)
{
  ferry_launcher_emit_exited (data, geteuid (), "it ended");
  return G_SOURCE_REMOVE;
}

static void
announce_exit (PuppetLauncher *self)
{
  g_clear_object (&self->link);
  g_idle_add_full (G_PRIORITY_DEFAULT, exited_cb, g_object_ref (self), g_object_unref);
}

static void
on_closed (FerryLink *link, const GError *error, gpointer data)
{
  announce_exit (data);
}

static void
puppet_launcher_start (FerryLauncher *launcher, uid_t uid)
{
  PuppetLauncher *self = PUPPET_LAUNCHER (launcher);
  g_autofree char *path = g_build_filename (self->world->directory, FERRY_WORKER_SOCKET_NAME, NULL);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (uid, ==, geteuid ());
  if (self->world->no_start)
    {
      announce_exit (self);
      return;
    }

  connection = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, &error);
  g_assert_no_error (error);
  self->link = ferry_link_new (connection, 0);
  ferry_link_run (self->link, on_order, on_closed, self);
  ferry_link_send (self->link, 0, "hello",
                   g_variant_new_parsed ("{'Version': <%s>}", FERRY_VERSION));
}

static void
puppet_launcher_stop (FerryLauncher *launcher, uid_t uid)
{
  PuppetLauncher *self = PUPPET_LAUNCHER (launcher);

  if (self->link != NULL)
    ferry_link_close (self->link);
  announce_exit (self);
}

static void
puppet_launcher_iface_init (FerryLauncherInterface *iface)
{
  iface->start = puppet_launcher_start;
  iface->stop = puppet_launcher_stop;
}

G_DEFINE_TYPE_WITH_CODE (PuppetLauncher, puppet_launcher, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (FERRY_TYPE_LAUNCHER, puppet_launcher_iface_init))

static void
puppet_launcher_dispose (GObject *object)
{
  g_clear_object (&PUPPET_LAUNCHER (object)->link);
  G_OBJECT_CLASS (puppet_launcher_parent_class)->dispose (object);
}

static void
puppet_launcher_class_init (PuppetLauncherClass *class)
{
  G_OBJECT_CLASS (class)->dispose = puppet_launcher_dispose;
}

static void
puppet_launcher_init (PuppetLauncher *self)
{
}

/* == the world == */

static void
transferred_cb (FerryEngine *engine, FerryJob *job, gpointer data)
{
  g_string_append (data, "transferred ");
}

static void
failed_cb (FerryEngine *engine, FerryJob *job, gpointer data)
{
  g_string_append (data, "failed ");
}

static void
file_restarted_cb (FerryEngine *engine, FerryJob *job, guint index, const char *reason,
                   gpointer data)
{
  g_string_append_printf (data, "restarted-%u-%s ", index, reason);
}

static void
start (World *self)
{
  g_autoptr (GError) error = NULL;

  self->launcher = g_object_new (TYPE_PUPPET_LAUNCHER, NULL);
  PUPPET_LAUNCHER (self->launcher)->world = self;
  self->store = ferry_store_new (self->directory, &error);
  g_assert_no_error (error);
  self->policy = ferry_policy_new (self->store);
  self->workers = ferry_workers_new (self->launcher, FERRY_CLOCK (self->clock), self->directory,
                                     &error);
  g_assert_no_error (error);
  self->engine = ferry_engine_new (FERRY_CLOCK (self->clock), self->network, self->store,
                                   self->policy, self->workers, &error);
  g_assert_no_error (error);
  g_signal_connect (self->engine, "transferred", G_CALLBACK (transferred_cb), self->events);
  g_signal_connect (self->engine, "failed", G_CALLBACK (failed_cb), self->events);
  g_signal_connect (self->engine, "file-restarted", G_CALLBACK (file_restarted_cb), self->events);
}

static void
stop (World *self)
{
  ferry_workers_close (self->workers);
  g_signal_handlers_disconnect_by_data (self->engine, self->events);
  g_object_run_dispose (G_OBJECT (self->engine));
  ferry_store_close (self->store);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&self->engine);
  g_clear_object (&self->workers);
  g_clear_object (&self->policy);
  g_clear_object (&self->store);
  g_clear_object (&self->launcher);
}

World *
world_new (void)
{
  World *self = g_new0 (World, 1);
  g_autoptr (GError) error = NULL;

  self->directory = g_dir_make_tmp ("ferry-engine-XXXXXX", &error);
  g_assert_no_error (error);
  self->clock = ferry_fake_clock_new ();
  self->network = g_object_new (TYPE_SWITCH_NETWORK, NULL);
  self->orders = g_ptr_array_new_with_free_func (order_free);
  self->events = g_string_new (NULL);
  start (self);
  return self;
}

static void
remove_directory (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_directory (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

void
world_free (World *self)
{
  stop (self);
  g_object_unref (self->clock);
  g_object_unref (self->network);
  g_ptr_array_unref (self->orders);
  g_free (self->unanswered_kind);
  g_clear_pointer (&self->unanswered_arguments, g_variant_unref);
  g_string_free (self->events, TRUE);
  remove_directory (self->directory);
  g_free (self->directory);
  g_free (self);
}

void
world_restart (World *self)
{
  stop (self);
  g_ptr_array_set_size (self->orders, 0);
  start (self);
}

static void
settled_cb (const GError *error, gpointer data)
{
  *(gboolean *) data = TRUE;
}

void
world_settle (World *self)
{
  /* Twice: what is told after the first commit may note more. */
  for (guint i = 0; i < 2; i++)
    {
      gboolean settled = FALSE;

      ferry_store_after_commit (self->store, settled_cb, &settled);
      world_wait (settled);
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
}

FerryJob *
world_reload (World *self, FerryJob *job)
{
  /* The job goes with its engine. */
  g_autofree char *id = g_strdup (job->id);

  world_settle (self);
  world_restart (self);
  return ferry_queue_lookup_any (ferry_engine_get_queue (self->engine), id);
}

void
world_keep_result_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

void
world_set_network (World *self, gboolean available)
{
  SWITCH_NETWORK (self->network)->available = available;
  ferry_network_emit_changed (self->network);
}

void
world_drop_worker (World *self)
{
  PuppetLauncher *launcher = PUPPET_LAUNCHER (self->launcher);

  ferry_link_close (launcher->link);
  announce_exit (launcher);
}

void
world_answer (World *self)
{
  ferry_link_send (PUPPET_LAUNCHER (self->launcher)->link, self->unanswered, "reply",
                   get_answer (self, self->unanswered_kind, self->unanswered_arguments));
}

static guint
find_order (World *self, const char *kind)
{
  for (guint i = 0; i < self->orders->len; i++)
    {
      const Order *order = g_ptr_array_index (self->orders, i);

      if (g_str_equal (order->kind, kind))
        return i;
    }
  return G_MAXUINT;
}

gboolean
world_has_order (World *self, const char *kind)
{
  return find_order (self, kind) != G_MAXUINT;
}

GVariant *
world_take_order (World *self, const char *kind)
{
  GVariant *arguments;
  guint i;

  world_wait ((i = find_order (self, kind)) != G_MAXUINT);
  arguments = g_variant_ref (((Order *) g_ptr_array_index (self->orders, i))->arguments);
  g_ptr_array_remove_index (self->orders, i);
  return arguments;
}

void
world_report (World *self, guint64 attempt, const char *kind, const char *text)
{
  g_autoptr (GVariant) arguments = NULL;
  g_autoptr (GError) error = NULL;
  GVariantDict dict;

  arguments = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);
  g_assert_no_error (error);
  g_variant_dict_init (&dict, arguments);
  g_variant_dict_insert (&dict, "Attempt", "t", attempt);
  ferry_link_send (PUPPET_LAUNCHER (self->launcher)->link, 0, kind, g_variant_dict_end (&dict));
}

void
world_fail (World *self, guint64 attempt, const char *more)
{
  g_autofree char *text = g_strdup_printf (
      "{'Transient': <true>, 'Error': <{'Name': <'org.ferry.Transfer1.Error.ConnectFailed'>, "
      "'Context': <'transport'>, 'Message': <'refused'>}>%s}",
      more);

  world_report (self, attempt, "failed", text);
}

static guint64
take_attempt (World *self, const char *kind)
{
  g_autoptr (GVariant) arguments = world_take_order (self, kind);
  guint64 attempt;

  g_assert_true (g_variant_lookup (arguments, "Attempt", "t", &attempt));
  return attempt;
}

guint64
world_take_start (World *self)
{
  return take_attempt (self, "start");
}

guint64
world_take_upload (World *self)
{
  return take_attempt (self, "start-upload");
}

static void
submitted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_engine_submit_finish (FERRY_ENGINE (source), result, &error));
  g_assert_no_error (error);
  *(gboolean *) data = TRUE;
}

/* @files: (transfer full) */
static FerryJob *
submit (World *self, FerryJob *job, GPtrArray *files, gboolean resume)
{
  gboolean submitted = FALSE;

  ferry_engine_submit_async (self->engine, job, files, 0, resume, submitted_cb, &submitted);
  world_wait (submitted);
  return ferry_queue_lookup (ferry_engine_get_queue (self->engine), geteuid (), job->id);
}

FerryJob *
world_submit (World *self, guint n_files, gboolean resume, gboolean auto_complete)
{
  g_autoptr (FerryJob)
      job = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, geteuid (), g_get_user_name ());
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);

  for (guint i = 0; i < n_files; i++)
    {
      g_autofree char *path = g_strdup_printf ("/target/%s-%u", job->id, i);

      g_ptr_array_add (files, ferry_file_new ("http://server.example/file", path));
    }
  job->auto_complete = auto_complete;
  return submit (self, job, files, resume);
}

FerryJob *
world_submit_urgent (World *self)
{
  FerryJob *job = world_submit (self, 1, FALSE, FALSE);

  job->priority = FERRY_PRIORITY_HIGH;
  g_assert_true (ferry_engine_resume (self->engine, job, NULL));
  return job;
}

FerryJob *
world_submit_upload (World *self, FerryJobType type, const char *reply_path, gboolean resume)
{
  g_autoptr (FerryJob) job = ferry_job_new (type, geteuid (), g_get_user_name ());
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);

  if (reply_path != NULL)
    {
      g_free (job->reply_path);
      job->reply_path = g_strdup (reply_path);
    }
  g_ptr_array_add (files, ferry_file_new ("http://server.example/put", WORLD_SOURCE));
  return submit (self, job, files, resume);
}

void
world_assert_add_fails (World *self, GAsyncResult *const *result, gint code)
{
  g_autoptr (GError) error = NULL;

  world_wait (*result != NULL);
  g_assert_cmpint (ferry_engine_add_files_finish (self->engine, *result, &error), ==, -1);
  g_assert_error (error, FERRY_ERROR, code);
}

void
world_finish_upload (World *self, FerryJob *job, guint64 attempt)
{
  world_report (self, attempt, "done", "{'Bytes': <uint64 1000>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
}

void
world_finish_file (World *self, guint64 bytes)
{
  guint64 attempt = world_take_start (self);
  g_autofree char *text = g_strdup_printf ("{'Bytes': <uint64 %" G_GUINT64_FORMAT
                                           ">, 'HttpStatus': <uint32 200>, "
                                           "'Resume': <{'Offset': <uint64 %" G_GUINT64_FORMAT
                                           ">}>}",
                                           bytes, bytes);

  world_report (self, attempt, "done", text);
}

typedef struct
{
  gboolean done;
  guint published;
  guint discarded;
  GError *error;
} Completion;

static void
completed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Completion *completion = data;

  ferry_engine_complete_finish (FERRY_ENGINE (source), result, &completion->published,
                                &completion->discarded, &completion->error);
  completion->done = TRUE;
}

void
world_complete (World *self, FerryJob *job, guint *published, guint *discarded)
{
  Completion completion = { 0 };

  ferry_engine_complete_async (self->engine, job, completed_cb, &completion);
  world_wait (completion.done);
  g_assert_no_error (completion.error);
  *published = completion.published;
  *discarded = completion.discarded;
}

GError *
world_complete_fails (World *self, FerryJob *job)
{
  Completion completion = { 0 };

  ferry_engine_complete_async (self->engine, job, completed_cb, &completion);
  world_wait (completion.done);
  g_assert_nonnull (completion.error);
  return completion.error;
}

static void
cancelled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_engine_cancel_finish (FERRY_ENGINE (source), result, &error));
  *(gboolean *) data = TRUE;
}

void
world_cancel (World *self, FerryJob *job)
{
  gboolean cancelled = FALSE;

  ferry_engine_cancel_async (self->engine, job, NULL, cancelled_cb, &cancelled);
  world_wait (cancelled);
}

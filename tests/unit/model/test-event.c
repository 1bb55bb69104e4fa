/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of events, what the manual says of them, and what reaches the journal. */

#include "ferry-event.h"

#include <string.h>
#include <syslog.h>

static GHashTable *logged; /* (owned) (nullable): fields of the last event */

static GLogWriterOutput
writer_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  g_clear_pointer (&logged, g_hash_table_unref);
  logged = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (gsize i = 0; i < n_fields; i++)
    {
      g_assert_cmpint (fields[i].length, ==, -1);
      g_assert_true (
          g_hash_table_insert (logged, g_strdup (fields[i].key), g_strdup (fields[i].value)));
    }
  /* GLib itself says no less than this. */
  g_assert_cmpint (level & G_LOG_LEVEL_MASK, <=, G_LOG_LEVEL_MESSAGE);
  return G_LOG_WRITER_HANDLED;
}

static const char *
get (const char *key)
{
  return g_hash_table_lookup (logged, key);
}

static void
test_ids (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < FERRY_N_EVENTS; i++)
    {
      const char *id = ferry_event_get_message_id (i);
      const char *name = ferry_event_get_name (i);

      g_assert_cmpuint (strlen (id), ==, 32);
      g_assert_cmpuint (strspn (id, "0123456789abcdef"), ==, 32);
      g_assert_cmpuint (strspn (name, "abcdefghijklmnopqrstuvwxyz-"), ==, strlen (name));
      g_assert_true (g_hash_table_add (seen, (gpointer) id));
      g_assert_true (g_hash_table_add (seen, (gpointer) name));
      g_assert_cmpint (ferry_event_get_priority (i), >=, LOG_WARNING);
      g_assert_cmpint (ferry_event_get_priority (i), <=, LOG_INFO);
    }
}

/* Each has its lines in ferryd(8): the word, then the id. */
static void
test_manual (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "..", "..", "data", "man", "ferryd.8",
                                                 NULL);
  g_autofree char *manual = NULL;
  g_autoptr (GError) error = NULL;
  const char *section;
  guint n_ids = 0;

  g_file_get_contents (path, &manual, NULL, &error);
  g_assert_no_error (error);
  section = strstr (manual, ".Sh JOURNAL\n");
  g_assert_nonnull (section);
  for (guint i = 0; i < FERRY_N_EVENTS; i++)
    {
      g_autofree char *lines = g_strdup_printf (".It Li %s\n%s\n", ferry_event_get_name (i),
                                                ferry_event_get_message_id (i));

      if (strstr (section, lines) == NULL)
        g_error ("ferryd(8) does not have:\n%s", lines);
    }
  for (const char *line = section; line != NULL; line = strchr (line + 1, '\n'))
    n_ids += strlen (line) > 33 && line[33] == '\n' && strspn (line + 1, "0123456789abcdef") == 32;
  g_assert_cmpuint (n_ids, ==, FERRY_N_EVENTS);
}

static void
test_fields (void)
{
  const char *const fields[] = { "FERRY_JOB", "a1", "FERRY_REASON", "", "FERRY_UID", "0", NULL };

  ferry_event_log (FERRY_EVENT_JOB_CREATED, fields, "Job %s was created", "a1");
  g_assert_cmpstr (get ("MESSAGE"), ==, "Job a1 was created");
  g_assert_cmpstr (get ("MESSAGE_ID"), ==, ferry_event_get_message_id (FERRY_EVENT_JOB_CREATED));
  g_assert_cmpstr (get ("PRIORITY"), ==, "6");
  g_assert_cmpstr (get ("FERRY_EVENT"), ==, "job-created");
  g_assert_cmpstr (get ("FERRY_JOB"), ==, "a1");
  g_assert_cmpstr (get ("FERRY_UID"), ==, "0");
  g_assert_cmpuint (g_hash_table_size (logged), ==, 6);

  ferry_event_log (FERRY_EVENT_STORE_SALVAGED, NULL, "100 %% of it");
  g_assert_cmpstr (get ("MESSAGE"), ==, "100 % of it");
  g_assert_cmpstr (get ("PRIORITY"), ==, "4");
  g_assert_cmpuint (g_hash_table_size (logged), ==, 4);
  g_clear_pointer (&logged, g_hash_table_unref);
}

/* Without a journal it is one line on standard error, whatever G_MESSAGES_DEBUG says. */
static void
test_plain (void)
{
  if (g_test_subprocess ())
    {
      ferry_event_log (FERRY_EVENT_JOB_CREATED, NULL, "The one line");
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*The one line\n*");
  g_test_trap_assert_stdout_unmatched ("*The one line*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!g_test_subprocess ())
    g_log_set_writer_func (writer_cb, NULL, NULL);
  g_test_add_func ("/event/ids", test_ids);
  g_test_add_func ("/event/manual", test_manual);
  g_test_add_func ("/event/fields", test_fields);
  g_test_add_func ("/event/plain", test_plain);
  return g_test_run ();
}

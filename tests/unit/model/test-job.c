/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-job.h"

static FerryJob *
new_job (void)
{
  return ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "alice");
}

static FerryFile *
add_file (FerryJob *job)
{
  FerryFile *file = ferry_file_new ("http://h/x", "/dir/target");

  ferry_job_add_file (job, file);
  return file;
}

static void
test_ids (void)
{
  g_autoptr (FerryJob) one = new_job ();
  g_autoptr (FerryJob) other = new_job ();

  g_assert_true (ferry_job_id_is_valid (one->id));
  g_assert_cmpstr (one->id, !=, other->id);
  g_assert_false (ferry_job_id_is_valid (NULL));
  g_assert_false (ferry_job_id_is_valid (""));
  g_assert_false (ferry_job_id_is_valid ("0123456789abcdef0123456789abcde"));
  g_assert_false (ferry_job_id_is_valid ("0123456789abcdef0123456789abcdef0"));
  g_assert_false (ferry_job_id_is_valid ("0123456789ABCDEF0123456789ABCDEF"));
  g_assert_false (ferry_job_id_is_valid ("0123456789abcdef0123456789abcde/"));
}

/* Whoever knows the state of GLib's generator must not know the next id. */
static void
test_ids_cannot_be_guessed (void)
{
  g_autoptr (FerryJob) one = NULL;
  g_autoptr (FerryJob) two = NULL;

  g_random_set_seed (42);
  one = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "me");
  g_random_set_seed (42);
  two = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "me");
  g_assert_cmpstr (one->id, !=, two->id);
}

static void
test_indexes_stay (void)
{
  g_autoptr (FerryJob) job = new_job ();
  FerryFile *removed;

  for (guint i = 0; i < 5; i++)
    g_assert_cmpuint (add_file (job)->index, ==, i);

  removed = ferry_job_steal_file (job, 2);
  g_assert_cmpuint (removed->index, ==, 2);
  ferry_file_free (removed);
  g_assert_null (ferry_job_get_file (job, 2));
  g_assert_null (ferry_job_steal_file (job, 2));
  g_assert_cmpuint (ferry_job_get_file (job, 3)->index, ==, 3);
  g_assert_cmpuint (ferry_job_get_file (job, 4)->index, ==, 4);
  /* Not even that of the last one is used again. */
  ferry_file_free (ferry_job_steal_file (job, 4));
  g_assert_cmpuint (add_file (job)->index, ==, 5);
}

static void
test_sums (void)
{
  g_autoptr (FerryJob) job = new_job ();
  FerryFile *first = add_file (job);
  FerryFile *second = add_file (job);

  g_assert_cmpuint (ferry_job_get_bytes_total (job), ==, FERRY_SIZE_UNKNOWN);
  first->bytes_total = 10;
  g_assert_cmpuint (ferry_job_get_bytes_total (job), ==, FERRY_SIZE_UNKNOWN);
  second->bytes_total = 5;
  g_assert_cmpuint (ferry_job_get_bytes_total (job), ==, 15);
  /* A server that lies about both must not make the sum small. */
  first->bytes_total = G_MAXUINT64 - 2;
  g_assert_cmpuint (ferry_job_get_bytes_total (job), ==, FERRY_SIZE_UNKNOWN);

  first->bytes_transferred = 3;
  second->bytes_transferred = 4;
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, 7);

  first->state = FERRY_FILE_STATE_TRANSFERRED;
  g_assert_false (ferry_job_is_whole (job));
  second->state = FERRY_FILE_STATE_PUBLISHED;
  g_assert_true (ferry_job_is_whole (job));
}

static void
test_empty_is_not_whole (void)
{
  g_autoptr (FerryJob) job = new_job ();

  g_assert_false (ferry_job_is_whole (job));
}

static void
count_cb (FerryJob *job, guint change, gpointer data)
{
  *(guint *) data |= change;
}

static void
test_apply (void)
{
  g_autoptr (FerryJob) job = new_job ();
  g_autoptr (GError) error = NULL;
  guint changes = 0;

  g_signal_connect (job, "changed", G_CALLBACK (count_cb), &changes);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_SUSPENDED);

  g_assert_true (ferry_job_apply (job, FERRY_JOB_EVENT_SUSPEND, NULL));
  g_assert_cmpuint (changes, ==, 0);

  g_assert_true (ferry_job_apply (job, FERRY_JOB_EVENT_RESUME, NULL));
  g_assert_cmpuint (changes, ==, FERRY_CHANGE_STATE | FERRY_CHANGE_JOB);
  g_assert_true (job->dirty);

  /* That it runs need not be stored: a crash makes it queued again. */
  changes = 0;
  g_assert_true (ferry_job_apply (job, FERRY_JOB_EVENT_START, NULL));
  g_assert_cmpuint (changes, ==, FERRY_CHANGE_STATE);

  g_assert_true (ferry_job_apply (job, FERRY_JOB_EVENT_CANCEL, NULL));
  g_assert_false (ferry_job_apply (job, FERRY_JOB_EVENT_RESUME, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_cmpstr (error->message, ==, "A job that is cancelled cannot be resumed");
}

static void
test_secrets (void)
{
  static const char *const headers[] = { "Authorization: x", NULL };
  static const char *const none[] = { NULL };
  g_autoptr (FerryJob) job = new_job ();

  g_assert_false (ferry_job_lacks_secrets (job));
  job->had_secrets = TRUE;
  g_assert_true (ferry_job_lacks_secrets (job));
  ferry_secrets_set_headers (ferry_job_get_secrets (job), headers);
  g_assert_false (ferry_job_lacks_secrets (job));

  /* Of each target and scheme there is one; with the last the job has none, and waits for none. */
  for (guint i = 0; i < 2; i++)
    ferry_secrets_set_credential (
        job->secrets, ferry_credential_new (FERRY_CREDENTIAL_FOR_SERVER, FERRY_CREDENTIAL_BASIC,
                                            g_strdup ("ada"), g_strdup ("x"), FALSE));
  g_assert_cmpuint (job->secrets->credentials->len, ==, 1);
  g_assert_false (ferry_secrets_remove_credential (job->secrets, FERRY_CREDENTIAL_FOR_PROXY,
                                                   FERRY_CREDENTIAL_BASIC));
  g_assert_true (ferry_secrets_remove_credential (job->secrets, FERRY_CREDENTIAL_FOR_SERVER,
                                                  FERRY_CREDENTIAL_BASIC));
  ferry_secrets_set_headers (job->secrets, none);
  ferry_job_note_secrets (job);
  g_assert_null (job->secrets);
  g_assert_false (job->had_secrets);
}

static void
test_rate_ends_with_the_bytes (void)
{
  g_autoptr (FerryJob) job = new_job ();

  ferry_job_apply (job, FERRY_JOB_EVENT_RESUME, NULL);
  ferry_job_apply (job, FERRY_JOB_EVENT_START, NULL);
  job->transfer_rate = 1000;
  job->rate_time = 50;
  g_assert_cmpuint (ferry_job_get_transfer_rate (job, 50 + 3 * G_USEC_PER_SEC), ==, 1000);
  g_assert_cmpuint (ferry_job_get_transfer_rate (job, 51 + 3 * G_USEC_PER_SEC), ==, 0);
  ferry_job_apply (job, FERRY_JOB_EVENT_SUSPEND, NULL);
  g_assert_cmpuint (ferry_job_get_transfer_rate (job, 50), ==, 0);
}

static void
check_reasons (FerryJob *job, const char *expected)
{
  g_auto (GStrv) reasons = ferry_job_get_wait_reasons (job);
  g_autofree char *joined = g_strjoinv (" ", reasons);

  g_assert_cmpstr (joined, ==, expected);
}

static void
test_wait_reasons (void)
{
  g_autoptr (FerryJob) job = new_job ();

  check_reasons (job, "suspended");
  ferry_job_apply (job, FERRY_JOB_EVENT_RESUME, NULL);
  check_reasons (job, "turn");
  job->wait_reasons = 1u << FERRY_WAIT_REASON_CREDENTIALS;
  check_reasons (job, "credentials");
  job->wait_reasons = 0;
  ferry_job_apply (job, FERRY_JOB_EVENT_START, NULL);
  check_reasons (job, "");
  job->wait_reasons = 1u << FERRY_WAIT_REASON_WORKER;
  check_reasons (job, "worker");
  job->wait_reasons = 0;
  ferry_job_apply (job, FERRY_JOB_EVENT_FAIL_TRANSIENT, NULL);
  check_reasons (job, "retry");
  job->wait_reasons = (1u << FERRY_WAIT_REASON_DISK_SPACE) | (1u << FERRY_WAIT_REASON_RETRY);
  check_reasons (job, "retry disk-space");
  job->wait_reasons = 0;
  ferry_job_apply (job, FERRY_JOB_EVENT_RETRY, NULL);
  ferry_job_apply (job, FERRY_JOB_EVENT_FINISH, NULL);
  check_reasons (job, "complete");
  job->auto_complete = TRUE;
  check_reasons (job, "");
}

/* The reply is the last of the files, and none of those that are counted. */
static void
test_reply (void)
{
  g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_UPLOAD_REPLY, 1000, "x");
  g_autoptr (FerryJob) download = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "x");
  FerryFile *source = ferry_file_new ("http://h/x", "/source");
  FerryFile *reply = ferry_file_new ("", "/reply");

  ferry_job_add_file (download, ferry_file_new ("http://h/x", "/target"));
  g_assert_null (ferry_job_get_source (download));
  g_assert_null (ferry_job_get_reply (download));
  g_assert_cmpuint (ferry_job_count_files (download), ==, 1);

  g_assert_null (ferry_job_get_source (job));
  source->expected_size = 10;
  ferry_job_add_file (job, source);
  ferry_job_add_reply (job, reply);
  g_assert_true (ferry_job_get_source (job) == source);
  g_assert_true (source->is_source);
  g_assert_true (ferry_job_get_reply (job) == reply);
  g_assert_false (reply->is_source);
  g_assert_true (ferry_file_is_reply (reply));
  g_assert_cmpint (ferry_file_get_shown_index (reply), ==, -1);
  g_assert_cmpint (ferry_file_get_shown_index (source), ==, 0);
  g_assert_cmpuint (job->next_index, ==, 1);
  g_assert_cmpuint (ferry_job_count_files (job), ==, 1);

  source->bytes_transferred = 10;
  reply->bytes_transferred = 3;
  source->state = FERRY_FILE_STATE_TRANSFERRED;
  g_assert_cmpuint (ferry_job_get_bytes_total (job), ==, 10);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, 10);
  g_assert_cmpuint (ferry_job_get_files_transferred (job), ==, 1);
  g_assert_false (ferry_job_is_whole (job));
  reply->state = FERRY_FILE_STATE_TRANSFERRED;
  g_assert_true (ferry_job_is_whole (job));
  g_assert_cmpuint (ferry_job_get_files_transferred (job), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job/ids", test_ids);
  g_test_add_func ("/job/ids-secret", test_ids_cannot_be_guessed);
  g_test_add_func ("/job/indexes", test_indexes_stay);
  g_test_add_func ("/job/sums", test_sums);
  g_test_add_func ("/job/empty", test_empty_is_not_whole);
  g_test_add_func ("/job/apply", test_apply);
  g_test_add_func ("/job/secrets", test_secrets);
  g_test_add_func ("/job/rate", test_rate_ends_with_the_bytes);
  g_test_add_func ("/job/wait-reasons", test_wait_reasons);
  g_test_add_func ("/job/reply", test_reply);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left on the disks of users when Ferry goes. */

#include "store-fixture.h"

#include "ferry-temporary-files.h"

#include <linux/magic.h>
#include <string.h>

#define ID "00112233445566778899aabbccddeeff"

/* Returns: (transfer full): the fields of the list of @directory, without the last one's end */
static char **
list (const char *directory)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = ferry_temporary_files_list (directory, &error);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  gsize size;
  const char *text;

  g_assert_no_error (error);
  text = g_bytes_get_data (bytes, &size);
  for (gsize at = 0; at < size; at += strlen (text + at) + 1)
    g_strv_builder_add (builder, text + at);
  return g_strv_builder_end (builder);
}

static void
assert_list (const char *directory, const char *const *wanted)
{
  g_auto (GStrv) found = list (directory);

  g_assert_cmpstrv (found, wanted);
}

static GVariant *
make_resume (guint64 type, guint64 directory, guint64 inode)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "DirectoryType", "t", type);
  g_variant_dict_insert (&dict, "DirectoryInode", "t", directory);
  g_variant_dict_insert (&dict, "Inode", "t", inode);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static FerryFile *
add_file (FerryJob *job, const char *path, FerryFileState state)
{
  FerryFile *file = ferry_file_new ("http://example.org/x", path);

  file->state = state;
  ferry_job_add_file (job, file);
  return file;
}

static void
test_none (void)
{
  char *directory = store_fixture_make_directory ();

  assert_list (directory, (const char *const[]){ NULL });
  store_fixture_remove (directory);
}

/* A file is named until it has its final name, begun or not: a crash may have come between. */
static void
test_jobs (void)
{
  char *directory = store_fixture_make_directory ();
  FerryStore *store = store_fixture_open (directory);
  FerryQueue *queue = store_fixture_load (store, NULL);
  g_autoptr (FerryJob) job = ferry_job_new_with_id (ID, FERRY_JOB_TYPE_DOWNLOAD, 1000, "ada");
  g_autoptr (FerryJob) over = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "ada");
  FerryFile *file;

  file = add_file (job, "/home/ada/line\nbreak", FERRY_FILE_STATE_TRANSFERRED);
  file->resume = make_resume (EXT4_SUPER_MAGIC, 12, 345);
  add_file (job, "/home/ada/b", FERRY_FILE_STATE_PUBLISHED);
  file = add_file (job, "/media/stick/c", FERRY_FILE_STATE_FAILED);
  file->resume = make_resume (MSDOS_SUPER_MAGIC, 12, 345);
  file->generation = 2;
  add_file (job, "/home/ada/new\\line/d", FERRY_FILE_STATE_PENDING);
  ferry_queue_add (queue, job);

  add_file (over, "/home/ada/e", FERRY_FILE_STATE_PENDING);
  over->state = FERRY_JOB_STATE_CANCELLED;
  ferry_queue_add (queue, over);
  g_assert_no_error (store_fixture_commit (store));
  store_fixture_close (store);
  g_object_unref (queue);

  assert_list (directory,
               (const char *const[]){
                   "1000", "ada", "12", "345", "/home/ada/.ferry-" ID "-0.part",        /* */
                   "1000", "ada", "0", "0", "/media/stick/.ferry-" ID "-2.2.part",      /* */
                   "1000", "ada", "0", "0", "/home/ada/new\\line/.ferry-" ID "-3.part", /* */
                   NULL });
  store_fixture_remove (directory);
}

/* Of a job that is gone, whose file could not be removed yet. */
static void
test_duties (void)
{
  char *directory = store_fixture_make_directory ();
  FerryStore *store = store_fixture_open (directory);
  FerryDuty duty = { .owner = 1001,
                     .path = (char *) "/srv/b",
                     .temporary_name = (char *) ".t.part" };

  duty.resume = make_resume (EXT4_SUPER_MAGIC, 7, 8);
  ferry_store_add_duty (store, &duty);
  g_variant_unref (duty.resume);
  g_assert_no_error (store_fixture_commit (store));
  store_fixture_close (store);

  assert_list (directory, (const char *const[]){ "1001", "", "7", "8", "/srv/.t.part", NULL });
  store_fixture_remove (directory);
}

/* What an upload sends is in no list of what is to be removed: only what was fetched as its reply is, and no server's session. */
static void
test_uploads (void)
{
  char *directory = store_fixture_make_directory ();
  FerryStore *store = store_fixture_open (directory);
  FerryQueue *queue = store_fixture_load (store, NULL);
  g_autoptr (FerryJob) job = ferry_job_new_with_id (ID, FERRY_JOB_TYPE_UPLOAD_REPLY, 1000, "ada");
  g_autoptr (FerryJob) other = ferry_job_new (FERRY_JOB_TYPE_UPLOAD, 1000, "ada");
  FerryDuty duty = { .owner = 1001,
                     .kind = FERRY_DUTY_CANCEL_UPLOAD,
                     .owner_name = (char *) "bob",
                     .url = (char *) "http://example.org/x" };

  add_file (job, "/home/ada/thesis", FERRY_FILE_STATE_PENDING);
  ferry_job_add_reply (job, ferry_file_new ("", "/home/ada/thesis"));
  ferry_queue_add (queue, job);
  add_file (other, "/home/ada/photos", FERRY_FILE_STATE_TRANSFERRED);
  ferry_queue_add (queue, other);
  ferry_store_add_duty (store, &duty);
  g_assert_no_error (store_fixture_commit (store));
  store_fixture_close (store);
  g_object_unref (queue);

  assert_list (directory, (const char *const[]){ "1000", "ada", "0", "0",
                                                 "/home/ada/.ferry-" ID "-4294967294.part", NULL });
  store_fixture_remove (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/temporary-files/none", test_none);
  g_test_add_func ("/service/temporary-files/jobs", test_jobs);
  g_test_add_func ("/service/temporary-files/duties", test_duties);
  g_test_add_func ("/service/temporary-files/uploads", test_uploads);
  return g_test_run ();
}

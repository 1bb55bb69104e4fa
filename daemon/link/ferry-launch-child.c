/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-launch-child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the descriptors that are needed until exec are put, so that one close_range() closes all
 * others. */
enum
{
  REPORT_FD = 3,
  PROGRAM_FD = 4,
};

G_STATIC_ASSERT (FERRY_LAUNCH_FIRST_FREE_FD == PROGRAM_FD + 1);

/* Nothing of a worker runs with an identity that is not wholly its own: any failure ends it here.
 */
G_NORETURN static void
give_up (const char *step, int number)
{
  FerryLaunchFailure failure = { .number = number };

  for (gsize i = 0; i < sizeof failure.step - 1 && step[i] != '\0'; i++)
    failure.step[i] = step[i];
  if (write (REPORT_FD, &failure, sizeof failure) < 0)
    _exit (126);
  _exit (127);
}

static void
arrange_descriptors (const FerryLaunchPlan *plan)
{
  /* Before this one there is no place to report to, but the exit status. */
  if (dup3 (plan->report, REPORT_FD, O_CLOEXEC) < 0)
    _exit (126);
  if (dup3 (plan->program, PROGRAM_FD, O_CLOEXEC) < 0)
    give_up ("dup3", errno);
  if (dup2 (plan->null, STDIN_FILENO) < 0)
    give_up ("dup2", errno);
  if (close_range (FERRY_LAUNCH_FIRST_FREE_FD, ~0U, 0) < 0)
    give_up ("close_range", errno);
}

static void
reset_process (void)
{
  struct sigaction action = { .sa_handler = SIG_DFL };
  sigset_t none;

  if (setsid () < 0)
    give_up ("setsid", errno);

  /* The C library keeps two signals to itself and refuses them; no other can fail. */
  for (int i = 1; i < NSIG; i++)
    sigaction (i, &action, NULL);
  sigemptyset (&none);
  if (sigprocmask (SIG_SETMASK, &none, NULL) < 0)
    give_up ("sigprocmask", errno);

  umask (0);
  if (chdir ("/") < 0)
    give_up ("chdir", errno);
}

/* What exec could give back to uid 0 is taken first: it needs the privilege that goes with the uid.
 */
static void
drop_bounding_set (void)
{
  const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                             SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                             SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

  if (prctl (PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
    give_up ("PR_SET_SECUREBITS", errno);

  for (unsigned long i = 0; prctl (PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
    {
      if (prctl (PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
        give_up ("PR_CAPBSET_DROP", errno);
    }
}

static void
become_owner (const FerryLaunchPlan *plan)
{
  /* Else the worker would possess the keys of the session that ferryd was started in. */
  if (syscall (SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS &&
      errno != EPERM)
    give_up ("keyctl", errno);

  if (setgroups (plan->n_groups, plan->groups) < 0)
    give_up ("setgroups", errno);
  if (setresgid (plan->gid, plan->gid, plan->gid) < 0)
    give_up ("setresgid", errno);
  drop_bounding_set ();
  if (setresuid (plan->uid, plan->uid, plan->uid) < 0)
    give_up ("setresuid", errno);
}

static void
drop_capabilities (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

  if (prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
    give_up ("PR_CAP_AMBIENT", errno);
  if (syscall (SYS_capset, &header, none) < 0)
    give_up ("capset", errno);
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    give_up ("PR_SET_NO_NEW_PRIVS", errno);
}

/* Looks at the result instead of believing that the calls did what they say. */
static void
verify (const FerryLaunchPlan *plan)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];
  uid_t real, effective, saved;
  gid_t real_group, effective_group, saved_group;

  if (getresuid (&real, &effective, &saved) < 0 || real != plan->uid || effective != plan->uid ||
      saved != plan->uid)
    give_up ("getresuid", EPERM);
  if (plan->privileged &&
      (getresgid (&real_group, &effective_group, &saved_group) < 0 || real_group != plan->gid ||
       effective_group != plan->gid || saved_group != plan->gid))
    give_up ("getresgid", EPERM);
  if (plan->uid != 0 && setuid (0) == 0)
    give_up ("setuid(0) did not fail", EPERM);
  if (setgroups (0, NULL) == 0)
    give_up ("setgroups did not fail", EPERM);

  if (syscall (SYS_capget, &header, held) < 0)
    give_up ("capget", errno);
  for (gsize i = 0; i < G_N_ELEMENTS (held); i++)
    {
      if (held[i].effective != 0 || held[i].permitted != 0 || held[i].inheritable != 0)
        give_up ("capget", EPERM);
    }
}

void
ferry_launch_child_run (const FerryLaunchPlan *plan)
{
  arrange_descriptors (plan);
  reset_process ();
  if (plan->privileged)
    become_owner (plan);
  drop_capabilities ();
  verify (plan);

  /* A change of uid clears it, so it comes last; the parent may have died before. */
  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    give_up ("PR_SET_PDEATHSIG", errno);
  if (getppid () != plan->parent)
    _exit (126);

  /* By its path, so that it has its name in ps; by the descriptor when the owner cannot reach that
   * path. */
  execve (plan->path, (char *const *) plan->argv, (char *const *) plan->envp);
  if (errno == EACCES || errno == ENOENT)
    execveat (PROGRAM_FD, "", (char *const *) plan->argv, (char *const *) plan->envp,
              AT_EMPTY_PATH);
  give_up ("execve", errno);
}

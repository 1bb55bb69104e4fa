/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is often wanted of a GCancellable: that it wakes who waits, and that it ends another one. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** While it lasts, whoever waits for @changed is woken when @cancellable is cancelled. All fields are (unowned). */
typedef struct
{
  GCancellable *cancellable;
  GMutex *lock;
  GCond *changed;
  gulong handler;
} WorkerWake;

/** @lock: not held, neither here nor at the end; lives longer, as all else */
void worker_wake_begin (WorkerWake *self, GCancellable *cancellable, GMutex *lock, GCond *changed);
void worker_wake_end (WorkerWake *self);

/** While it lasts, @cancellable is cancelled with @parent; it can be before. */
typedef struct
{
  GCancellable *cancellable; /* (owned) */
  GCancellable *parent;      /* (unowned) */
  gulong handler;
} WorkerBranch;

void worker_branch_begin (WorkerBranch *self, GCancellable *parent);
void worker_branch_end (WorkerBranch *self);

G_END_DECLS

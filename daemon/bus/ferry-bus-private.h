/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the bus side share. */

#pragma once

#include "ferry-authority.h"
#include "ferry-bus.h"
#include "ferry-bus-notify.h"
#include "ferry-call.h"
#include "ferry-names.h"
#include "ferry-peers.h"
#include "ferry-session-agents.h"

#include "ferry-admission.h"

G_BEGIN_DECLS

#define FERRY_PROPERTIES_INTERFACE     "org.freedesktop.DBus.Properties"
#define FERRY_OBJECT_MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"

struct _FerryBus
{
  GObject parent_instance;

  GDBusConnection *connection; /* (owned) */
  FerryEngine *engine;         /* (owned) */
  FerryQueue *queue;           /* (unowned): of @engine */
  FerryStore *store;           /* (unowned): of @engine */
  FerryClock *clock;           /* (unowned): of @engine */
  FerryAuthority *authority;   /* (owned) */
  FerryPeers *peers;           /* (owned) */
  FerrySessionAgents *agents;  /* (owned) */
  FerryAdmission *admission;   /* (owned) */
  FerryCallCount *calls;       /* (owned) */
  FerryBusNotify *notify;      /* (owned) */
  GArray *registrations;       /* (owned) (element-type guint): of objects */
  guint subtree;               /* registration of the jobs, 0 = none */
  guint filter;                /* 0 = none */
  gint64 last_call;            /* boot µs */
};

/**
 * FerryBusHandler:
 * @call: (transfer full): to be answered
 * @job: (nullable): the caller's own job when a job object was called, looked up just now
 *
 * One method, after all checks that the access table asks for. Whoever waits for anything looks the job up again after.
 */
typedef void (*FerryBusHandler) (FerryBus *self, FerryCall *call, FerryJob *job);

typedef struct
{
  const char *interface;
  const char *member;
  FerryBusHandler handle;
} FerryBusMethod;

/* == ferry-bus-orders.c: handlers of Job and of ControlJob alike == */
void ferry_bus_resume (FerryBus *self, FerryCall *call, FerryJob *job);
void ferry_bus_suspend (FerryBus *self, FerryCall *call, FerryJob *job);
void ferry_bus_cancel (FerryBus *self, FerryCall *call, FerryJob *job);

/* Tables of methods, each ending in a row of NULLs. */
extern const FerryBusMethod ferry_bus_agents_methods[];
extern const FerryBusMethod ferry_bus_create_methods[];
extern const FerryBusMethod ferry_bus_manager_methods[];
extern const FerryBusMethod ferry_bus_policy_methods[];
extern const FerryBusMethod ferry_bus_status_methods[];
extern const FerryBusMethod ferry_bus_objects_methods[];
extern const FerryBusMethod ferry_bus_root_properties_methods[];
extern const FerryBusMethod ferry_bus_job_methods[];
extern const FerryBusMethod ferry_bus_files_methods[];
extern const FerryBusMethod ferry_bus_reply_methods[];
extern const FerryBusMethod ferry_bus_job_properties_methods[];

/* == ferry-bus-tree.c == */
gboolean ferry_bus_tree_register (FerryBus *self, GError **error);
void ferry_bus_tree_unregister (FerryBus *self);

/** Returns: (transfer full): the one answer for an id that is absent, foreign or malformed */
GError *ferry_bus_unknown_object (const char *id);

/**
 * ferry_bus_look_up:
 *
 * Returns: (transfer none) (nullable): the caller's own job that @call was made on, allowed by its rule; when %NULL the
 *   call was answered
 */
FerryJob *ferry_bus_look_up (FerryBus *self, FerryCall *call);

/* == ferry-bus-authorize.c == */
/**
 * ferry_bus_authorize:
 * @details: (nullable) (transfer floating): an a{ss}
 * @then: called with the job looked up again, when @call was made on one, once polkit said yes; else the call is answered
 */
void ferry_bus_authorize (FerryBus *self, FerryCall *call, const char *action, GVariant *details,
                          FerryBusHandler then);

/**
 * ferry_bus_exempt:
 * @limit: (transfer full): the error that says which limit is hit
 * @then: called when the caller may exceed it; else the call is answered with @limit
 */
void ferry_bus_exempt (FerryBus *self, FerryCall *call, GError *limit, FerryBusHandler then);

/** Whether @error is one of the four limits. */
gboolean ferry_bus_is_limit (const GError *error);

/* == ferry-bus-files.c == */
/** Returns: (transfer full) (nullable) (element-type FerryFile): an a(ssa{sv}) for a job of @type, read and checked; errors
 * tell which one */
GPtrArray *ferry_bus_parse_files (FerryJobType type, GVariant *files, GError **error);

/** Most ranges of one of @files, an a(ssa{sv}), without looking at them closer. */
guint ferry_bus_count_ranges (GVariant *files);

/* == ferry-bus-reply.c == */
/** Set of ReplyPath: asks the owner's worker before it answers. @value: (transfer none): of any type */
void ferry_bus_set_reply_path (FerryBus *self, FerryCall *call, FerryJob *job, GVariant *value);

G_END_DECLS

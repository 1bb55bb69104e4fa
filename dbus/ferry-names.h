/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that more than one program must agree on. */

#pragma once

#define FERRY_BUS_NAME  "org.ferry.Transfer1"
#define FERRY_ROOT_PATH "/org/ferry/Transfer1"
#define FERRY_JOBS_PATH FERRY_ROOT_PATH "/jobs"

#define FERRY_MANAGER_INTERFACE       "org.ferry.Transfer1.Manager"
#define FERRY_JOB_INTERFACE           "org.ferry.Transfer1.Job"
#define FERRY_POLICY_INTERFACE        "org.ferry.Transfer1.Policy"
#define FERRY_AGENT_MANAGER_INTERFACE "org.ferry.Transfer1.AgentManager"
#define FERRY_SECRET_AGENT_INTERFACE  "org.ferry.Transfer1.SecretAgent"

#define FERRY_ERROR_PREFIX "org.ferry.Transfer1.Error."

/* polkit actions (polkit/org.ferry.transfer1.policy) */
#define FERRY_ACTION_CREATE_JOB       "org.ferry.transfer1.create-job"
#define FERRY_ACTION_UPLOAD           "org.ferry.transfer1.upload"
#define FERRY_ACTION_FOREGROUND       "org.ferry.transfer1.foreground"
#define FERRY_ACTION_EXCEED_LIMITS    "org.ferry.transfer1.exceed-limits"
#define FERRY_ACTION_LIST_ALL_JOBS    "org.ferry.transfer1.list-all-jobs"
#define FERRY_ACTION_CONTROL_ALL_JOBS "org.ferry.transfer1.control-all-jobs"
#define FERRY_ACTION_TAKE_OWNERSHIP   "org.ferry.transfer1.take-ownership"
#define FERRY_ACTION_SET_POLICY       "org.ferry.transfer1.set-policy"

/* GSettings schema of the policy and its place in dconf */
#define FERRY_POLICY_SCHEMA "org.ferry.Transfer1.Policy"
#define FERRY_POLICY_PATH   "/org/ferry/transfer1/policy/"
#define FERRY_DCONF_PROFILE "ferry"

/* The socket in the runtime directory that workers connect to */
#define FERRY_WORKER_SOCKET_NAME "worker"

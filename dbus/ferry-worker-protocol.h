/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ferryd and ferry-worker say to each other.
 *
 * The worker connects to the listening UNIX socket in ferryd's runtime directory after it has its
 * final uid; ferryd knows that uid from SO_PEERCRED and believes nothing else. Both sides send
 * frames (ferry-link.h) that hold one message of type FERRY_MESSAGE_TYPE:
 *
 *   (u id, s kind, a{sv} arguments)
 *
 * An id other than 0 asks for exactly one "reply" with the same id; a reply without `Error` is a
 * success. A key that is absent has the value "none"; unknown keys are ignored, so that either side
 * may be one release ahead. Sizes are t in bytes, FERRY_SIZE_UNKNOWN when not known.
 *
 * ferryd is the only one that decides; everything a worker says is a claim by its user about his
 * own jobs.
 *
 * == from ferryd ==
 *
 * "check-targets" (id) { Pid u, Paths a(sb): path, whether it may exist; NoSymlinks b }
 *     May these targets be written? All or nothing; nothing is created that stays. `Pid` is the
 *     caller, whose view of the directory is compared with ours. Reply: { Resume aa{sv} }, one
 *     for each path (it holds the identity of its directory), or { Error, Index u }.
 *     Errors: NoFileAccess, TargetExists.
 *
 * "start" { Attempt t, Job s, File u, Url s, Path s, TemporaryName s, Resume a{sv}, Ranges a(tt),
 *           Digest s, Size t, MaximumSize t, FinalMode u, Upload a{sv}, Headers as, SecretHeaders as,
 *           <connection> }
 *     Fetch one file into TemporaryName beside Path, from where Resume says. Ends with exactly one
 *     of "done", "failed", "stopped". `Attempt` is new for each start and is echoed in all reports.
 *     `MaximumSize` is what the job may still fetch in this file, FERRY_SIZE_UNKNOWN = no limit.
 *     `FinalMode`: "publish" with this Mode follows at once, so that the file may have it already
 *     when it is "done", and its temporary name need not outlive a power cut.
 *     `Upload` { Url s, Resume a{sv} }: the file is the reply to that upload, which is all at the server. Secrets
 *     go to the origin of the upload's Url only. When the file is whole and on disk the upload's session is closed, and
 *     only then the attempt is "done". `Method`: in place of GET, without a body; nothing of it can go on after a break.
 *
 * "start-upload" { Attempt t, Job s, File u, Url s, Path s, Resume a{sv}, Protocol s, Reply b,
 *                  RequireResumableAbove t, Headers as, SecretHeaders as, ProxyUsage s, ProxyUri s,
 *                  ProxyBypass as }
 *     Send the file at Path to Url, from where Resume says. Ends as "start" does. `Protocol` is a
 *     FerryUploadProtocol; what "auto" came to is in Resume. With `Reply` the session stays open
 *     and "done" tells where the reply is. A file of more bytes than `RequireResumableAbove` is not
 *     sent by a protocol that cannot go on after a break (UploadNotSupported). `Method`: in place of PUT, and no other
 *     request is sent.
 *
 *     A `Method` that is not idempotent (ferry-method.h) goes out once: before it does the worker waits for "stored" of a
 *     "checkpoint" or "record" whose Resume has Asked. It takes that back once it knows that the server has not done what it
 *     was asked; else the end of the attempt is final. A file that has it is not started, until its owner says so.
 *
 * "stored" { Attempt t }
 *     What the last "record" or "checkpoint" with `Confirm` told is on disk.
 *
 * <connection>: Credentials a(ssa{sv}) (of SetCredentials; a token is under Password), ClientCertificate s, ProxyUsage s, ProxyUri s, ProxyBypass as, TlsFlags as (FerryTlsFlag words that act), TlsFlagsForbidden as
 *     (those that the job asks for and policy does not allow), ServerPins as ("sha256:" and hex), RedirectPolicy s
 *
 * "stop" { Attempt t }
 *     Write a checkpoint and answer with "stopped" (or "done"/"failed" when that came first).
 *
 * "checkpoint" (id) { }
 *     Write a checkpoint of all running attempts now; the reply follows their reports.
 *
 * "check-sources" (id) { Pid u, Paths as, NoSymlinks b }
 *     May these files be sent? They are opened for reading; regular files only. All or nothing. `Pid` as in
 *     "check-targets". Reply: { Resume aa{sv}, Sizes at } or { Error, Index u }. Errors: NoFileAccess.
 *
 * "cancel-upload" (id) { Url s, Resume a{sv}, Headers as, SecretHeaders as, <connection> }
 *     Nobody wants the rest of this upload: tell the server so. One that is all there stays, and only its session is closed.
 *     A success also when the server knows nothing of it, or refuses for good. Reply: {} or { Error, Transient b }.
 *
 * "read" (id) { Path s, TemporaryName s, Resume a{sv}, Offset t, Size u }
 *     Up to Size bytes (at most FERRY_READ_MAX) of a file that is "done". Reply: { Data ay }, empty at its end.
 *     Errors: NoFileAccess, FileSystemError.
 *
 * "check-publish" (id) { Path s, TemporaryName s, Resume a{sv}, Replace b }
 *     Would "publish" work now (directory there, temporary file ours and whole, target absent or
 *     Replace)? Errors: TargetExists, NoFileAccess, FileSystemError; more of them as in "publish".
 *
 * "publish" (id) { Path s, TemporaryName s, Resume a{sv}, Replace b, Mode u }
 *     Final mode, fsync, rename to Path, fsync of the directory. May be asked again after a crash: a
 *     target that is the inode named in Resume counts as published. Errors: as check-publish, and
 *     RemoteFileChanged never: when the temporary file is gone or not ours and the target is not
 *     it either, the error is FileSystemError with Lost b true (the file must be fetched again).
 *     Transient b and WaitReason s, as in "failed", say whether AutoComplete is to try again.
 *
 * "remove" (id) { Path s, TemporaryName s, Resume a{sv} }
 *     Remove the temporary file when it is ours. An absent file or directory is a success.
 *
 * == from the worker ==
 *
 * "hello" { Version s }
 *     First message. ferryd closes the link when the version is not its own.
 * "reply" (id) { ..., Error a{sv} }
 * "response" { Attempt t, HttpStatus u, ResponseHeaders as, Total t, Validator s, FinalUrl s }
 *     The headers of the final answer (after redirects) were read. `FinalUrl` with RedirectPolicy "report".
 * "progress" { Attempt t, Bytes t, Total t }
 *     Bytes of the file that are written (not: durable); at most one in 100 ms for each attempt.
 * "checkpoint" { Attempt t, Resume a{sv}, Bytes t, Confirm b }
 *     Bytes are on disk; Resume says how to go on from there. ferryd stores both before anything
 *     else that follows. With `Confirm` the attempt waits for "stored".
 * "record" { Attempt t, Resume a{sv}, Bytes t, Confirm b, UploadProtocol s, Resumable b }
 *     Of an upload: what the server has acknowledged, and how to go on from there; `UploadProtocol` once it is settled, never
 *     "auto". With `Confirm` the attempt waits for "stored".
 * "restarted" { Attempt t, Reason s, Resume a{sv} }
 *     The bytes so far were dropped; the attempt goes on from 0. Reason is one of the words of
 *     FileRestarted (below).
 * "new-name" { Attempt t }
 *     TemporaryName holds something that is not ours. The attempt has ended; ferryd starts the file
 *     over under another name. Nothing was removed.
 * "done" { Attempt t, Resume a{sv}, Bytes t, HttpStatus u, ResponseHeaders as, Validator s, FinalUrl s,
 *          ReplyUrl s }
 *     Whole, on disk, digest right. Of an upload: all at the server, and its session closed; with `Reply` it is open
 *     and `ReplyUrl` is an absolute URL.
 * "stopped" { Attempt t, Resume a{sv}, Bytes t }
 * "failed" { Attempt t, Resume a{sv}, Bytes t, Error a{sv}, Transient b, NewBytes b,
 *            RetryAfter u (s), WaitReason s, HttpStatus u, ResponseHeaders as, Challenge a{sv} }
 *     `Transient`: worth trying again by itself. `NewBytes`: this attempt made progress that was
 *     kept. `WaitReason`: what it waits for when not just for time ("network", "disk-space",
 *     "destination"). With a DigestMismatch the bytes were dropped already. `Challenge` { Target s, AuthSchemes as, Realm s,
 *     Scheme s, Host s, Port u, Path s }: with AuthenticationFailed, what would be taken (as of
 *     org.ferry.Transfer1.SecretAgent.GetCredentials).
 *
 * An `Error` is { Name s (full D-Bus name), Context s (FerryErrorContext), Message s, HttpStatus u }.
 *
 * `Resume` belongs to the worker: ferryd stores it as it came (at most FERRY_RESUME_MAX bytes) and
 * gives it back. Keys: Offset t (durable bytes), Total t, Validator s, ValidatorStrong b, Inode t,
 * BirthTime x, DirectoryInode t, DirectoryDevice t, DirectoryFsid t, DirectorySeen b, and what else
 * the worker needs. That of an upload has Session b while a server is to be told of a cancellation. Asked b: a request went out,
 * or is about to, that must not be sent twice.
 *
 * Words of FileRestarted's reason: "remote-file-changed" (validator or size differ), "no-validator"
 * (nothing that proves the bytes belong together), "no-range-support" (the server sent the whole
 * file), "range-refused" (416), "temporary-file-lost" (gone or not ours), "digest-mismatch",
 * "validation-failed" (SetFileValid), "url-changed" (ownership taken),
 * "mixed-response" (an answer that does not fit what was asked), "session-lost" (the server knows nothing of the upload any
 * more), "not-resumable" (the method of the download, or the protocol of the upload, cannot go on after a break).
 */

#pragma once

#include <glib.h>

#define FERRY_MESSAGE_TYPE "(usa{sv})"

/* Largest frame, length field not counted. */
#define FERRY_FRAME_MAX (64 * 1024)

/* Largest serialised Resume dictionary. */
#define FERRY_RESUME_MAX 4096

/* Key of "check-targets" and Resume: somebody else chose the path, so that no symbolic link on it is followed, now or later.
 * A key of Resume that ferryd knows: it outlives the bytes. */
#define FERRY_RESUME_NO_SYMLINKS "NoSymlinks"

/* Another one, of uploads: the server holds something. */
#define FERRY_RESUME_SESSION "Session"

/* The third: what must not be sent twice was sent, or may have been. It outlives the bytes, and a crash; the owner's Resume ends
 * it. */
#define FERRY_RESUME_ASKED "Asked"

/* Bytes in one reply to "read". */
#define FERRY_READ_MAX (32 * 1024)

#define FERRY_SIZE_UNKNOWN G_MAXUINT64

/* A worker has at most this many attempts at a time. */
#define FERRY_WORKER_MAX_ATTEMPTS 16

/* The process files: what it knows, the requests that it answers, and what its
 * files call of each other. */
#ifndef FILES_FILES_H
#define FILES_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "partial.h"
#include "sallyport/base/random.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/limits.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/domain/stored.h"
#include "sallyport/event/event.h"
#include "sallyport/files/files.h"
#include "sallyport/ftp/path.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/quota/quota.h"

struct complaint;
struct statvfs;

/* Facts of quota.c about a directory's file system, or subvolume. */
struct quota_place {
    dev_t device;
    bool btrfs, none; /* none: a network disk, which shows no quotas */
    struct quota_subvolume subvolume;
};

/* A directory of the user's tree, with all below it but other mounts: the home,
 * a share, or a directory of the home that has rights of its own. */
struct mount {
    struct slice at; /* its virtual path; the home's is "" */
    int fd;          /* -1: it couldn't be opened, and nothing is in it */
    unsigned rights;
    bool share;
    bool drop;    /* the user sees nothing of what is in it */
    bool mine;    /* the user sees directories and the own files only */
    bool inspect; /* uploads wait, unseen, for sallyportctl */
    bool follows; /* symbolic links; only a home without such directories */
    unsigned file_mode, dir_mode; /* of what is made in it */
    struct quota_place quota;
};

struct copy {
    int from;           /* the finished file, or -1: nothing is to be copied */
    uint64_t done, len; /* bytes of its head */
    struct stat before; /* what it was when the copy began */
};
#define COPY_NONE { .from = -1 }

#define HELD_DIGITS 16 /* of an id */

/* The upload that is open while the session's channel is in PHASE_WRITING, and
 * what is known of it until the session has its answer. */
struct upload {
    bool open;
    bool unreported; /* if the session dies, nobody has logged it */
    bool prepared;   /* its length is checked, and all of it is synced */
    bool visible;    /* the rename was done */
    bool wanted;     /* the partial has the name, for sallyportctl */
    int shortage;    /* why it failed for want of space, or 0 */
    char held[HELD_DIGITS + 1]; /* then: its id, if it waits for inspection */
    enum write_mode mode;
    uint64_t began;  /* clock_ms() at its begin */
    uint64_t first;  /* offset of its first new byte */
    uint64_t length; /* so far */
    const struct mount *mount;
    int directory; /* where the target and its partial stand */
    enum conflict conflict;
    bool onto_nothing; /* APPE: must the name still be free at the commit? */
    struct partial partial;
    struct copy copy; /* of the file that REST or APPE continues with */
    char name[NAME_MAX + 1];
    struct path path; /* of the target, as the client named it */
};

/* Removed bytes that the file system doesn't report as free yet. */
struct freed_bytes {
    uint64_t due, said; /* said: the free bytes at the last look */
};
struct freed {
    dev_t device;
    uint64_t until; /* clock_ms(): later they aren't believed any more */
    struct freed_bytes disk, quota;
};
#define FREED_MS 60000

/* A user of whom master has told the name, "": none that this one may know. */
#define OWNERS_MAX 256
struct owner_name {
    uid_t uid; /* 0: this place is free */
    char name[USER_NAME_MAX + 1];
};

struct files {
    struct files_rules rules;
    const char *user;
    uint8_t name_key[SIPHASH_KEY];
    uid_t uid;
    gid_t gid;
    gid_t groups[GROUPS_MAX];
    int group_count;
    size_t mounts;
    struct guarded *guarded; /* guard.c */
    size_t guarded_count;
    int counter;        /* the home, open where uploads are counted; else -1 */
    int counter_lock;   /* what is locked meanwhile; or -errno */
    bool writes_only;   /* partials: in some mount no file can be read */
    bool uid_is_shared; /* by other users: their partials aren't listed */
    struct channel session, master;
    struct event_sender log;
    bool over;   /* session or master is gone */
    bool orphan; /* master is */
    int died;    /* the signal that ended the session; 0: it left, or lives */
    unsigned next_sized; /* the oldest answer, which the next one replaces */
    bool no_marks;       /* logged: confirmed lengths can't be stored */
    bool no_count;       /* logged: uploads can't be counted */
    dev_t asked_device;  /* the disk of the last upload */
    bool locks_die;      /* there: a lock can go to another server */
    struct freed freed;
    struct quota_amount exceeded; /* the limit that a request has met, or 0 */
    uint64_t nameless_until;      /* clock_ms(): master isn't asked for names */
    /* The last ones: an idle process has written to the first page of each. */
    struct mount mount[1 + FILES_MOUNTS_MAX]; /* the first one is the home */
    struct upload upload;
    struct sized sized[SIZED_MAX];
    struct owner_name owner[OWNERS_MAX]; /* at uid % OWNERS_MAX */
};

/* The requests of a session, and the two of sallyportctl. Each handler returns
 * 0 when it has answered; else an enum outcome or -errno, and files.c answers
 * with `refused`. */
int facts_on_file_read(void *owner, struct msg_file_read *m);
int upload_on_file_write(void *owner, struct msg_file_write *m);
int upload_on_file_copy(void *owner, struct msg_file_copy *m);
int upload_on_file_sync(void *owner, struct msg_file_sync *m);
int upload_on_file_full(void *owner, struct msg_file_full *m);
int commit_on_file_prepare(void *owner, struct msg_file_prepare *m);
int commit_on_file_commit(void *owner, struct msg_file_commit *m);
int upload_on_file_abort(void *owner, struct msg_file_abort *m);
int change_on_file_delete(void *owner, struct msg_file_delete *m);
int list_on_directory_list(void *owner, struct msg_directory_list *m);
int facts_on_directory_enter(void *owner, struct msg_directory_enter *m);
int change_on_directory_make(void *owner, struct msg_directory_make *m);
int change_on_directory_remove(void *owner, struct msg_directory_remove *m);
int change_on_rename(void *owner, struct msg_rename *m);
int change_on_times(void *owner, struct msg_times *m);
int change_on_mode(void *owner, struct msg_mode *m);
int space_on_space(void *owner, struct msg_space *m);
int facts_on_facts(void *owner, struct msg_facts *m);
int search_on_find(void *owner, struct msg_find *m);
int held_on_held_find(void *owner, struct msg_held_find *m);

/* ANSWER(f, space_is, m->request, .bytes = n): sends the message as the answer
 * to that request, and returns 0, so that a handler can end with it. If the
 * session is gone, the main loop ends; if it doesn't read its answers, the
 * process ends. */
#define ANSWER(f, name, ...) ANSWER_WITHIN(f, ANSWER_MS, name, __VA_ARGS__)
/* The same for a peer that may read slowly, for at most MS. */
#define ANSWER_WITHIN(f, ms, name, ...)                                        \
    files_answer(f, ms, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))
#define ANSWER_MS 2000
int files_answer(struct files *f, uint64_t ms, enum message_kind kind,
                 const void *body);

/* Enters the sandbox, which permits in each mount what its rights need: 0; or
 * -EPERM with a complaint. */
int files_enter(const struct files *f, const struct files_start *start,
                struct complaint *c);

/* Takes a message of master, or its end. */
void files_serve_master(struct files *f);
/* Waits MS for the end of session or master: true as soon as one is gone. */
bool files_peer_gone_within(const struct files *f, int ms);
/* Locks FD by flock(2), HOW: LOCK_EX or LOCK_SH. 0; -EBUSY if another process
 * still has it after MS; -errno. */
int files_lock(const struct files *f, int fd, int how, uint64_t ms);

/* Logs the removal of NUMBER partials with BYTES in all. NUMBER 0: one partial,
 * not counted in the log. */
void files_report_removed(struct files *f, const char *reason, uint64_t number,
                          uint64_t bytes);

/* RESULT is what a request returned: an enum outcome, or -errno. */
enum outcome files_outcome(int result);
/* An outcome, for functions that return a descriptor: below all of -errno. */
#define REFUSED(outcome) (-4096 - (int)(outcome))

/* change.c: may PATH not be renamed or removed, since it is a mount, or one
 * stands below it? OUTCOME_MOUNT, or OUTCOME_DENIED for "/"; 0: it may. */
int change_of_mount(const struct files *f, const struct path *path);

/* upload.c */

/* Gives the partial the name that the client sent, for sallyportctl, and to
 * show whose it is. That costs two changes on the disk, so uploads get it only
 * when they can be resumed: they take a second, are synced, or are cut. */
void upload_note_wanted(struct upload *u);
/* How long until then; -1: it has it, or there is no upload. */
int upload_wanted_ms(const struct upload *u);

/* RESULT of a step of the open upload: for want of space nothing of it will be
 * kept. Returns RESULT, or as quota_explain_write(). */
int upload_after(struct files *f, int result);
/* The upload is over: its session may begin another one. */
void upload_close(struct files *f);
/* Ends an open upload as if it were cut: it is kept for a resume, or deleted.
 */
void upload_end_as_cut(struct files *f);
/* Logs an upload if its session died before it could. */
void upload_report_death(struct files *f);

/* mount.c: the directories that make up the user's tree. */

/* Notes all of them, unopened. */
void mount_init(struct files *f, const struct files_start *start);
/* Opens the home and the mounts as the user; from then on the process has the
 * user's ids. Returns 0, or -errno if the home can't be opened. Each mount that
 * can't be opened causes an event. */
int mount_open(struct files *f, const struct files_start *start);
/* Are there names in it that the user doesn't see? */
bool mount_hides_names(const struct mount *m);
/* A share in which the user sees nothing of what others do? */
bool mount_hides_others(const struct mount *m);
/* Returns what the sandbox must permit in it: enum beneath_may bits. */
unsigned mount_may(const struct mount *m);

/* Returns the mount of PATH: its path is the longest beginning of PATH. */
const struct mount *mount_of(const struct files *f, struct slice path);
/* Is PATH its own virtual path? */
bool mount_is_at(const struct mount *m, struct slice path);
/* Does it stand in DIRECTORY itself? Then *name is its name there. */
bool mount_is_in(const struct mount *m, struct slice directory,
                 struct slice *name);
/* The mount NAME in DIRECTORY, or NULL. */
const struct mount *mount_named(const struct files *f, struct slice directory,
                                const char *name);
/* Is there any? */
bool mount_any_in(const struct files *f, struct slice directory);
/* Stands one somewhere below the directory PATH, which isn't "/"? */
bool mount_is_below(const struct files *f, struct slice path);

/* guard.c: directories of the home that have rights of their own, and those
 * that contain them, are found by their own path only. */

/* Once the mount M of the home was opened, or not. LATE: its disk doesn't
 * answer. 0 or -errno. */
int guard_note(struct files *f, const struct mount *m, bool late);
/* Does PATH, of the mount M, lead to none of them by another spelling? 0;
 * -ENOENT if it does, or isn't there; -errno. */
int guard_path(const struct files *f, const struct mount *m, struct slice path);
/* The same for NAME in the open DIRECTORY, with the path ABOVE; 0 if it isn't
 * there. */
int guard_name(const struct files *f, const struct mount *m, struct slice above,
               int directory, const char *name);

/* resolve.c: from a virtual path to a descriptor, by the kernel alone. Each
 * function takes the rights that are NEEDED there: enum right bits. */

/* Copies the path of a request out of the message. A path that isn't normal is
 * a lie of the session, and ends the process. */
void resolve_request(struct slice text, struct path *ret);

/* Is a component reserved? */
bool resolve_is_reserved(struct slice path);

/* Opens PATH, following links in a home without other rights only, and never
 * out of it. REFUSED(OUTCOME_NO_RIGHT); -ENOENT if a component is reserved, or
 * the path leads into a drop; -errno. Always close-on-exec. */
int resolve_open(const struct files *f, struct slice path, unsigned needed,
                 int flags);
/* Call before PATH is opened otherwise: the peer of a FIFO or a device would
 * notice. Returns 0 for a file or directory; -ENODEV; as resolve_open(). */
int resolve_look(const struct files *f, const struct path *path,
                 unsigned needed);
/* Opens PATH beneath DIRECTORY. A link that leads out of it is -EXDEV. */
int resolve_beneath(int directory, const char *path, int flags);

/* Opens NAME in DIRECTORY itself: one component, never a link. MODE is for
 * O_CREAT. The sandbox allows no other call to open files than openat2, so this
 * uses it too. */
int resolve_in(int directory, const char *name, int flags, unsigned mode);

/* Opens the directory NAME in DIRECTORY, unless something is mounted there:
 * -EXDEV. FLAGS as for resolve_place(). */
int resolve_unmounted(int directory, const char *name, int flags);

/* Do they describe the same file? */
bool resolve_is_same(const struct stat *a, const struct stat *b);
/* The same, and nothing has written to it between the two looks? */
bool resolve_is_unchanged(const struct stat *a, const struct stat *b);
/* Is NAME in DIRECTORY that file? A link is not what it leads to. */
bool resolve_is_at(int directory, const char *name, const struct stat *file);
/* Asks the kernel, but not a network disk, for facts of the open file FD:
 * device, inode and type, which never change, and the rest as the disk last
 * answered. 0 or -errno. */
int resolve_known(int fd, struct stat *ret);
/* The facts of FD as its file system has them now, and not as this machine
 * remembers them. 0 or -errno. */
int resolve_fresh(int fd, struct stat *ret);

/* Is it another's file, in a mount where the user sees only the own ones? Then
 * every request is answered as if it weren't there. */
bool resolve_hides(const struct files *f, const struct mount *m,
                   const struct stat *st);

/* A name and its directory. */
struct place {
    const struct mount *mount;
    int directory; /* not to be closed */
    int owned;     /* the same, or -1 if it is the mount's own descriptor */
    char name[NAME_MAX + 1]; /* "": the mount itself */
};
#define PLACE_CLEANUP __attribute__((cleanup(resolve_release_place)))
#define PLACE_NONE    { .directory = -1, .owned = -1 }

/* The place of something that exists: 0; as resolve_open(). The directory is
 * opened with FLAGS: O_PATH, or O_RDONLY to read or sync it. */
int resolve_place(const struct files *f, const struct path *path,
                  unsigned needed, int flags, struct place *ret);
/* The place of something new: also OUTCOME_BAD_NAME; OUTCOME_EXISTS for "/", or
 * OUTCOME_MOUNT for another mount. */
int resolve_new_place(const struct files *f, const struct path *path,
                      unsigned needed, int flags, struct place *ret);
void resolve_release_place(struct place *p);

/* walk.c: reading a directory, in constant memory and in the order of the disk.
 */

#define DIRECTORY_BYTES 32768

struct directory {
    int fd;
    size_t len, at;
    bool maybe_directory; /* the last name is one, or the disk doesn't say */
    uint8_t bytes[DIRECTORY_BYTES] __attribute__((aligned(8)));
};

/* FD stays the caller's; it must be at its start. */
void directory_begin(struct directory *d, int fd);
/* 1: *name is the next one ("." and ".." are left out), until the next call.
 * 0: the end. -errno */
int directory_next(struct directory *d, const char **name);

/* All directories of a mount, one after another. */
struct walk {
    struct files *f;
    const struct mount *mount;
    void *owner;
    /* NAME is in the open directory DIRECTORY with the path w->path. */
    void (*on_name)(struct walk *w, int directory, const char *name);
    uint64_t most;    /* names; 0: no limit */
    uint64_t until;   /* clock_ms(); 0: no limit */
    bool one_disk;    /* leaves out what is mounted in it, also by mount --bind,
                         and subvolumes and snapshots of btrfs */
    uint32_t request; /* of sallyportctl, which gets signs of life; or 0 */

    uint64_t sign_at; /* clock_ms() */
    bool ends;        /* set by on_name: no more names are visited */
    struct path path;
    uint64_t names;  /* how many were looked at */
    uint64_t unread; /* directories and names that can't be looked into */
    int error; /* errno of one of them, EACCES only if all have it; or of a
                  missing start */
};

/* Visits each directory of the mount and each directory of the home with its
 * own rights, except those that a share hides. Ends early if the session or
 * master is gone, or if a limit is reached. Doesn't follow links. */
void walk_mount(struct walk *w);

/* The same for the home, and then for each share that could be opened. */
void walk_mounts(struct walk *w);

/* The same from the directory PATH of the mount on, which is virtual and may be
 * missing. No link leads to it. */
void walk_below(struct walk *w, struct slice path);

/* False if the walk ends early; to be asked once for each name. */
bool walk_goes_on(struct walk *w);
/* For sallyportctl: the walk doesn't hang, and what comes next may take so many
 * MS (0: no longer than usual). */
void walk_works(const struct walk *w, uint64_t ms);
#define WALK_READER_MS (UINT64_C(15) * 60 * 1000) /* a pager */
/* A directory that can't be read counts as such, unless it is gone. */
void walk_not_read(struct walk *w, int error);

/* Adds NAME to PATH; false if that would be too long. */
bool walk_enter(struct path *path, const char *name);
/* Cuts PATH back to its first LEN bytes. */
void walk_leave(struct path *path, size_t len);

/* facts.c: what is known of one name in an open directory. */

/* A directory in which names are looked up. */
struct view {
    const struct mount *mount;
    int fd;
    struct slice path; /* its virtual path, to follow links from */
};

struct facts {
    struct stat st; /* of the link itself, or of what it leads to */
    bool link;
    unsigned perm;
    struct slice owner; /* until the next call; or empty */
};

/* Reads the facts of the mount M. Returns 0, or -errno and *ret is
 * undefined. */
int facts_of_mount(struct files *f, const struct mount *m, struct facts *ret);
/* The same of NAME, which is no mount. A link to a directory is a directory
 * only if the path leads INTO it, and ends in "/". */
int facts_read(struct files *f, const struct view *in, const char *name,
               bool into, struct facts *ret);
enum entry_kind facts_kind(const struct facts *facts);

/* Its bits, enum perm, in the mount M. LINK: it was reached through a link
 * there, and ST describes the link's target. */
unsigned facts_perm(const struct files *f, const struct mount *m,
                    const struct stat *st, bool link);

/* names.c: returns the name of the user with UID, who owns a file of the mount
 * M, if M is a share; otherwise an empty text. Valid until the next call. */
struct slice names_owner(struct files *f, const struct mount *m, uid_t uid);
int names_on_owner_is(void *owner, struct msg_owner_is *m);

/* list.c: patterns for names, as NLST and LIST take them. */

/* Is there a '*', '?' or '[' in it? */
bool list_is_pattern(const char *name);
/* '*': any bytes; '?': any one byte; "[a-z]", "[!a-z]": one byte of a set; else
 * the byte itself. None of them matches a dot at the beginning. A '[' without
 * its ']' is itself. Takes O(length of PATTERN times length of NAME). */
bool list_matches(const char *pattern, const char *name);

/* count.c: how many files and bytes the user has stored, for uploads and
 * upload_bytes. */

/* Before the sandbox; HOME is its directory. 0 or -errno. */
int count_open(struct files *f, int home);
/* May the user store one more file, of BYTES? 0, OUTCOME_MAX_FILES,
 * OUTCOME_MAX_BYTES or -errno. *ret is what is stored. */
int count_check(struct files *f, uint64_t bytes, struct stored *ret);
/* How many bytes upload_bytes leaves beside these; UINT64_MAX: there is no
 * limit. */
uint64_t count_left(const struct files *f, const struct stored *stored);
/* Counts one more, as count_check(). To be called before the rename: a process
 * that is killed in between counts one file too many, but none is left out. */
int count_one(struct files *f, uint64_t *bytes);
/* The rename has failed. */
void count_back(struct files *f, uint64_t bytes);

/* lock.c */

/* A lock of a directory, on a network disk of its lock file. */
struct lock {
    int directory; /* not to be closed */
    int file;
};
#define LOCK_NONE    { .directory = -1, .file = -1 }
#define LOCK_CLEANUP __attribute__((cleanup(lock_release)))

/* The lock file of a directory on a network disk. RMD removes it, and it never
 * expires. The home's also guards the count. */
#define LOCK_FILE PATH_RESERVED "lock"
/* Opens it: its descriptor, or -errno. */
int lock_make_file(const struct mount *m, int directory);

/* A session that gives a file a name, or takes one away, holds the lock of its
 * directory, whose disk owner_note_disk() has noted. So all sessions do so one
 * after the other, and what was checked under the lock still holds at the
 * rename. DIRECTORY, of the mount M, is open for reading. 0; -EBUSY after 5 s.
 * 0 as well where it can't be locked: it isn't open for reading, or its file
 * system has no locks. */
int lock_directory(struct files *f, const struct mount *m, int directory,
                   struct lock *ret);
/* The same for two, which may be the same directory. */
int lock_both(struct files *f, const struct mount *m, int a, int b,
              struct lock ret[2]);
/* The same for one open file or directory, on this machine alone. */
int lock_open_file(const struct files *f, int fd);
void lock_release(struct lock *l);

/* naming.c: the rename that makes a file visible. */

/* A file that gets a name. */
struct naming {
    const struct mount *mount;
    int source;       /* the directory where it is now */
    const char *from; /* its name there */
    /* Device and inode of the file. CONFLICT_REJECT doesn't need them. */
    struct stat file;
    int directory; /* where it gets the name; on the same file system */
    /* The wanted name, in NAME_MAX + 1 bytes, and the path that ends in it.
     * naming_give() changes both if the file gets another name. */
    char *name;
    struct path *path;
    enum conflict conflict;
    /* Set by naming_give(): a partial got its name by a link, and still has its
     * own one. The caller removes that once the file is closed. */
    bool linked;
};

/* The client's WISH for its uploads makes the RULE, on_conflict, stricter:
 * CONFLICT_RENAME keeps the file that has the name, CONFLICT_REJECT permits
 * nothing. Any other wish changes nothing. */
enum conflict naming_stricter(enum conflict rule, enum conflict wish);
/* May an upload begin if a file of the mount M, or a LINK to one, has its name?
 * 0, OUTCOME_NO_RIGHT or OUTCOME_NAME_TAKEN. */
int naming_permitted(const struct mount *m, enum conflict conflict, bool link);
/* Gives a file its name by the rules of on_conflict. Returns 0, and name and
 * path are those under which it is visible; otherwise an enum outcome or
 * -errno, and the file stays in its place (or with OUTCOME_OVERTAKEN, where
 * another process has put it). The caller holds the lock. */
int naming_give(const struct files *f, struct naming *n);
/* The same for the open upload and its partial. */
int naming_upload(const struct files *f, struct upload *u);

/* other.c: the names that a file may get if its own is taken. */

/* The Nth name instead of NAME, N from 1: for CONFLICT_RENAME "a (2).b" or
 * "new-a.b", for CONFLICT_VERSION "a.b.~1~". Cut between characters where it
 * would be longer than SIZE - 1. */
void other_name(enum conflict conflict, enum conflict_name style,
                const char *name, unsigned n, char *out, size_t size);
/* The same for a drop: "a.7f3a9c21.b". */
void other_random(const char *name, uint32_t number, char *out, size_t size);

/* held.c: uploads that wait for inspection. Each stands in its directory under
 * a reserved name, which contains its id, the wanted name, and what is to
 * happen if that is taken at the release. So one rename begins the wait or ends
 * it. */

#define HELD_NAME_MAX (NAME_MAX - 35) /* bytes of a wanted name */

/* Makes the reserved name, with a new id in ID. NAME has at most HELD_NAME_MAX
 * bytes. */
void held_name(const char *name, enum conflict conflict,
               char id[HELD_DIGITS + 1], char out[NAME_MAX + 1]);
/* Notes on the file FD, which is complete, when it became so, and the wanted
 * NAME. Without the note, for instance because the file system has no
 * attributes, the release counts as a change of the file. */
void held_stamp(int fd, const char *name);
/* Reads such a name: true, and *name points into TEXT. */
bool held_parse(const char *text, char id[HELD_DIGITS + 1],
                enum conflict *conflict, const char **name);

/* copy.c: the head of a finished file, for REST and APPE onto it: copied in
 * steps into the partial, so that the process serves its session in between. */

/* Takes FROM, a regular file, to copy its first LEN bytes: 0; -EBUSY where it
 * is shorter; -errno. FROM is closed on failure too. */
int copy_init(struct copy *c, int from, uint64_t len);
void copy_release(struct copy *c);

uint64_t copy_left(const struct copy *c);
/* How many bytes it writes at most: holes are kept. */
uint64_t copy_cost(const struct copy *c);

/* Shares all blocks with INTO, which is empty, if the file system can: true,
 * and nothing is left to copy. */
bool copy_by_clone(struct copy *c, int into);
/* Copies the next piece, a few MiB at most: 0 or -errno; after the last one as
 * copy_unchanged(). */
int copy_step(struct copy *c, int into);
/* 0; or OUTCOME_CHANGED if another process wrote to the file, or moved or
 * deleted it, since copy_init(). */
int copy_unchanged(const struct copy *c);

/* space.c: is there room on a disk? */

/* LENGTH more bytes: 0 or -ENOSPC. A file system that doesn't say how large its
 * blocks are has room until a write fails. */
int space_check(const struct statvfs *disk, uint64_t length);

/* Bytes that are free on the disk; INT64_MAX at most. */
uint64_t space_free(const struct statvfs *disk);
/* How many bytes of the DISK min_free keeps. */
uint64_t space_floor(const struct files *f, const struct statvfs *disk);
/* Bytes that the user may still write: by the disk, min_free and the QUOTA,
 * which may be NULL. */
uint64_t space_usable(const struct files *f, const struct statvfs *disk,
                      const struct quota *quota);
/* Did a request fail for want of space, on the disk or by a limit? */
bool space_is_short(int result);
/* Call before something is removed from the disk of FD; then call
 * space_freed() with the number of removed BYTES. They count as free until the
 * disk reports them, for a minute at most. */
void space_will_free(struct files *f, const struct mount *m, int fd);
void space_freed(struct files *f, uint64_t bytes);
/* Room for LENGTH bytes in the directory or file FD of the mount: 0; -EDQUOT by
 * a quota, OUTCOME_KEPT_FREE by min_free, or -ENOSPC; another -errno. If idle
 * partials are what is missing, as many are removed as that takes; if all of
 * them wouldn't be enough, none. */
int space_make_room(struct files *f, const struct mount *m, int fd,
                    uint64_t length);
/* The same for what min_free keeps on the disk of FD: 0; OUTCOME_KEPT_FREE if
 * less than that is free, also without the idle partials; -errno. */
int space_ensure_floor(struct files *f, const struct mount *m, int fd);

/* quota.c */

/* Before the sandbox: prepares the mount for the functions below. */
void quota_watch(struct mount *m);
/* The limits for FD, a directory of the mount or a file in it; those that leave
 * the least, if there are several. All zero: none is known; or it is a share's
 * that shows the user nothing of what others do. */
void quota_at(const struct files *f, const struct mount *m, int fd,
              struct quota *ret);
/* RESULT of a request that makes a file or directory in DIRECTORY, of the mount
 * M. Returns RESULT; but for want of space the outcome that names the cause,
 * and then f->exceeded is the limit, or zero. */
int quota_explain_entry(struct files *f, const struct mount *m, int directory,
                        int result);
/* The same for a request that writes to a file in DIRECTORY. */
int quota_explain_write(struct files *f, const struct mount *m, int directory,
                        int result);

/* An idle partial belongs to this user, and no upload is writing it. It was not
 * written within the last hour, and SIZE didn't report its length within the
 * last half hour. Each search looks at 100,000 names at most, for 5 s at most:
 * in the share if M is one, else in the home, since a limit that is reached in
 * one of them says nothing about the others. */

/* Removes idle partials on the disk of FD until NEED bytes are freed, and logs
 * it with SHORTAGE, as space_make_room() returns it: the freed bytes. */
uint64_t space_remove_idle(struct files *f, const struct mount *m, int fd,
                           int shortage, uint64_t need);

#endif

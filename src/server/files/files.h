/* The process files: its state, the requests that it answers, and the functions
 * that its files call of each other. */
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

/* A directory of the user's tree, with everything below it except other mounts:
 * the home, a share, or a directory of the home that has rights of its own. */
struct mount {
    struct slice at; /* its virtual path; "" for the home */
    int fd;          /* -1: it couldn't be opened, and counts as empty */
    unsigned rights;
    bool share;
    bool drop;    /* the user sees none of its names */
    bool mine;    /* the user sees directories and own files only */
    bool inspect; /* uploads wait, unseen, for sallyportctl */
    bool follows; /* follows symbolic links: only a home without such
                   * directories does */
    unsigned file_mode, dir_mode; /* modes of what is made in it */
    struct quota_place quota;
};

struct copy {
    int from;           /* the finished file, or -1: there is nothing to copy */
    uint64_t done, len; /* bytes of its head: copied so far, in all */
    struct stat before; /* its facts when the copy began */
};
#define COPY_NONE { .from = -1 }

#define HELD_DIGITS 16 /* of an id */

/* The upload that is open while the session's channel is in PHASE_WRITING, and
 * its state until the session has its answer. */
struct upload {
    bool open;
    bool unreported; /* nobody has logged it yet, should the session die */
    bool prepared;   /* its length was checked, and all of it was synced */
    bool visible;    /* the rename was done */
    bool wanted;     /* the partial has an attribute with the name, for
                      * sallyportctl */
    int shortage;    /* why it failed for want of space, or 0 */
    char held[HELD_DIGITS + 1]; /* its id when it is visible, if it waits for
                                 * inspection */
    enum write_mode mode;
    uint64_t began;  /* clock_ms() at its beginning */
    uint64_t first;  /* offset of its first new byte */
    uint64_t length; /* so far */
    const struct mount *mount;
    int directory; /* the directory of the target and its partial */
    enum conflict conflict;
    bool onto_nothing; /* APPE: must the name still be free at the commit? */
    struct partial partial;
    struct copy copy; /* the head of the file that REST or APPE continues */
    char name[NAME_MAX + 1];
    struct path path; /* path of the target, as the client named it */
};

/* Removed bytes that the file system doesn't report as free yet. */
struct freed_bytes {
    uint64_t due, said; /* said: the free bytes at the last look */
};
struct freed {
    dev_t device;
    uint64_t until; /* clock_ms() until which they count as free */
    struct freed_bytes disk, quota;
};
#define FREED_MS 60000

/* A user's name from master; "": this user may not learn it. */
#define OWNERS_MAX 256
struct owner_name {
    uid_t uid; /* 0: this entry is free */
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
    int counter;        /* the home, open if uploads are counted; otherwise
                         * -1 */
    int counter_lock;   /* locked while uploads are counted; or -errno */
    bool writes_only;   /* partials: in some mount no file may be read */
    bool uid_is_shared; /* other users have this uid, so it names no owner */
    struct channel session, master;
    struct event_sender log;
    bool over;   /* session or master is gone */
    bool orphan; /* master is */
    int died;    /* the signal that ended the session; 0: it left, or lives */
    unsigned next_sized; /* index of the oldest answer, which the next one
                          * replaces */
    bool no_marks;       /* logged already: confirmed lengths can't be stored */
    bool no_count;       /* logged already: uploads can't be counted */
    dev_t asked_device;  /* the disk of the last upload */
    bool locks_die;      /* on that disk a lock can go to another server */
    struct freed freed;
    struct quota_amount exceeded; /* the limit that a request has met, or 0 */
    uint64_t nameless_until;      /* clock_ms() before which master isn't asked
                                   * for names */
    /* These are last: an idle process has written only to the first page of
     * each. */
    struct mount mount[1 + FILES_MOUNTS_MAX]; /* the first one is the home */
    struct upload upload;
    struct sized sized[SIZED_MAX];
    struct owner_name owner[OWNERS_MAX]; /* at uid % OWNERS_MAX */
};

/* The requests of a session, and the two requests of sallyportctl. Each handler
 * returns 0 when it has answered; otherwise an enum outcome or -errno, and
 * files.c answers with `refused`. */
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
 * session has gone, the main loop ends; if it doesn't read its answers, the
 * process ends. */
#define ANSWER(f, name, ...) ANSWER_WITHIN(f, ANSWER_MS, name, __VA_ARGS__)
/* The same for a peer that may read slowly, for at most MS. */
#define ANSWER_WITHIN(f, ms, name, ...)                                        \
    files_answer(f, ms, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))
#define ANSWER_MS 2000
int files_answer(struct files *f, uint64_t ms, enum message_kind kind,
                 const void *body);

/* Enters the sandbox, which permits in each mount what its rights need. Returns
 * 0, or -EPERM with a complaint. */
int files_enter(const struct files *f, const struct files_start *start,
                struct complaint *c);

/* Handles a message of master, or its end. */
void files_serve_master(struct files *f);
/* Waits MS for the end of session or master. Returns true as soon as one has
 * gone. */
bool files_peer_gone_within(const struct files *f, int ms);
/* Locks FD by flock(2), HOW: LOCK_EX or LOCK_SH. Returns 0; -EBUSY if another
 * process still has the lock after MS; -errno. */
int files_lock(const struct files *f, int fd, int how, uint64_t ms);

/* Begins an event about this user. */
void files_event_begin(const struct files *f, struct event_record *r,
                       enum event event, const char *reason);

/* Returns the outcome of RESULT: an enum outcome, or -errno. */
enum outcome files_outcome(int result);
/* Encodes an outcome below all of -errno, for functions that return a
 * descriptor. */
#define REFUSED(outcome) (-4096 - (int)(outcome))

/* change.c: returns OUTCOME_MOUNT if PATH may not be renamed or removed, since
 * it is a mount or contains one; OUTCOME_DENIED for "/"; otherwise 0. */
int change_of_mount(const struct files *f, const struct path *path);

/* upload.c */

/* Writes the client's name for the file into an attribute of the partial, for
 * sallyportctl, and to show its owner. That costs two changes on the disk, so
 * uploads get it only once they can be resumed: after a second, at a sync, or
 * at a cut. */
void upload_note_wanted(struct upload *u);
/* Returns the ms until upload_note_wanted() is due; -1: it is done, or there is
 * no upload. */
int upload_wanted_ms(const struct upload *u);

/* Notes the RESULT of a step of the open upload: if space was short, nothing of
 * the upload will be kept. Returns RESULT, or as quota_explain(). */
int upload_after(struct files *f, int result);
/* Ends the upload: its session may begin another one. */
void upload_close(struct files *f);
/* Ends an open upload as if the client had been cut off: keeps it for a resume,
 * or deletes it. */
void upload_end_as_cut(struct files *f);
/* Logs an upload if its session died before it could. */
void upload_report_death(struct files *f);

/* mount.c: the directories that make up the user's tree. */

/* Notes all directories without opening them. */
void mount_init(struct files *f, const struct files_start *start);
/* Opens the home and the mounts as the user; from then on the process has the
 * user's ids. Returns 0, or -errno if the home can't be opened. Each mount that
 * can't be opened causes an event. */
int mount_open(struct files *f, const struct files_start *start);
/* Are there names in it that the user doesn't see? */
bool mount_hides_names(const struct mount *m);
/* Returns the rights in it that the sandbox must permit: enum beneath_may
 * bits. */
unsigned mount_may(const struct mount *m);

/* Returns the mount of PATH: its path is the longest beginning of PATH. */
const struct mount *mount_of(const struct files *f, struct slice path);
/* Is PATH the mount's own virtual path? */
bool mount_is_at(const struct mount *m, struct slice path);
/* Is it an entry of DIRECTORY itself? Then *name is its name there. */
bool mount_is_in(const struct mount *m, struct slice directory,
                 struct slice *name);
/* Returns the mount NAME in DIRECTORY, any if NAME is NULL; or NULL. */
const struct mount *mount_named(const struct files *f, struct slice directory,
                                const char *name);
/* Does the directory PATH, which isn't "/", contain a mount at any depth? */
bool mount_is_below(const struct files *f, struct slice path);

/* guard.c: guarded directories are the directories of the home with rights
 * of their own, and all that contain them. They are found by their own path
 * only. */

/* Call it once the mount M of the home was opened, or couldn't be. LATE: its
 * disk doesn't answer. Returns 0 or -errno. */
int guard_note(struct files *f, const struct mount *m, bool late);
/* Checks that PATH, of the mount M, doesn't lead to a guarded directory by
 * another spelling. Returns 0; -ENOENT if it does, or if PATH doesn't exist;
 * -errno. */
int guard_path(const struct files *f, const struct mount *m, struct slice path);
/* Does the same for NAME in the open DIRECTORY, whose path is ABOVE; returns 0
 * if NAME doesn't exist. */
int guard_name(const struct files *f, const struct mount *m, struct slice above,
               int directory, const char *name);

/* resolve.c: turns a virtual path into a descriptor, by the kernel alone. Each
 * function takes the rights that are NEEDED there: enum right bits. */

/* Copies the path of a request out of the message. A session that sends a path
 * that isn't normal lies: ends the process. */
void resolve_request(struct slice text, struct path *ret);

/* Is any component reserved? */
bool resolve_is_reserved(struct slice path);

/* Opens PATH, close-on-exec. Follows links only in a home without other rights,
 * and never out of it. Returns REFUSED(OUTCOME_NO_RIGHT); -ENOENT if a
 * component is reserved, or the path leads into a drop; -EIO if its mount
 * couldn't be opened; -errno. */
int resolve_open(const struct files *f, struct slice path, unsigned needed,
                 int flags);
/* Call it before PATH is opened otherwise: the peer of a FIFO or a device would
 * notice. Returns 0 for a file or directory; -ENODEV; as resolve_open(). */
int resolve_look(const struct files *f, const struct path *path,
                 unsigned needed);
/* Opens PATH beneath DIRECTORY. Returns -EXDEV for a link that leads out of
 * it. */
int resolve_beneath(int directory, const char *path, int flags);

/* Opens NAME in DIRECTORY itself: one component, never a link. MODE is for
 * O_CREAT. Uses openat2, the only call to open files that the sandbox
 * permits. */
int resolve_in(int directory, const char *name, int flags, unsigned mode);

/* Opens the directory NAME in DIRECTORY, unless something is mounted there:
 * -EXDEV. FLAGS as for resolve_place(). */
int resolve_unmounted(int directory, const char *name, int flags);

/* Do they describe the same file? */
bool resolve_is_same(const struct stat *a, const struct stat *b);
/* The same, and was it unchanged between the two looks? */
bool resolve_is_unchanged(const struct stat *a, const struct stat *b);
/* Is NAME in DIRECTORY that file? A link is not the file that it leads to. */
bool resolve_is_at(int directory, const char *name, const struct stat *file);
/* Reads the facts of the open file FD without asking a network disk: device,
 * inode and type, which never change, and the rest as the disk last answered.
 * Returns 0 or -errno. */
int resolve_known(int fd, struct stat *ret);
/* Reads the facts of FD from its file system, not from this machine's cache.
 * Returns 0 or -errno. */
int resolve_fresh(int fd, struct stat *ret);

/* Is it another user's file, in a mount where the user sees only own files?
 * Then every request is answered as if the file didn't exist. */
bool resolve_hides(const struct files *f, const struct mount *m,
                   const struct stat *st);

/* A name and its directory. */
struct place {
    const struct mount *mount;
    int directory; /* not owned */
    int owned;     /* the same, owned; -1 if it is the mount's own descriptor */
    char name[NAME_MAX + 1]; /* "": the mount itself */
};
#define PLACE_CLEANUP __attribute__((cleanup(resolve_release_place)))
#define PLACE_NONE    { .directory = -1, .owned = -1 }

/* Finds the place of something that exists. Returns 0; as resolve_open(). The
 * directory is opened with FLAGS: O_PATH, or O_RDONLY to read or sync it. */
int resolve_place(const struct files *f, const struct path *path,
                  unsigned needed, int flags, struct place *ret);
/* Finds a place for something new. Returns also OUTCOME_BAD_NAME;
 * OUTCOME_EXISTS for "/", or OUTCOME_MOUNT for another mount. */
int resolve_new_place(const struct files *f, const struct path *path,
                      unsigned needed, int flags, struct place *ret);
void resolve_release_place(struct place *p);

/* walk.c: reads directories, in constant memory and in the order of the
 * disk. */

#define DIRECTORY_BYTES 32768

struct directory {
    int fd;
    size_t len, at;
    bool maybe_directory; /* the last name is a directory, or the disk doesn't
                           * say */
    uint8_t bytes[DIRECTORY_BYTES] __attribute__((aligned(8)));
};

/* FD stays the caller's; it must be at its start. */
void directory_begin(struct directory *d, int fd);
/* Returns 1: *name is the next name ("." and ".." are left out), valid until
 * the next call; 0: there are no more; -errno. */
int directory_next(struct directory *d, const char **name);

/* A walk through all directories of a mount, one after another. */
struct walk {
    struct files *f;
    const struct mount *mount;
    void *owner;
    /* Called for NAME in the open directory DIRECTORY, whose path is
     * w->path. */
    void (*on_name)(struct walk *w, int directory, const char *name);
    uint64_t most;    /* names; 0: no limit */
    uint64_t until;   /* clock_ms(); 0: no limit */
    bool one_disk;    /* leaves out what is mounted in it, also by mount --bind,
                         and subvolumes and snapshots of btrfs */
    uint32_t request; /* the request of sallyportctl, which gets signs of life;
                       * or 0 */

    uint64_t sign_at; /* clock_ms() */
    bool ends;        /* on_name sets it: no more names are visited */
    struct path path;
    uint64_t names;  /* how many were looked at */
    uint64_t unread; /* how many directories and names couldn't be looked
                      * into */
    int error; /* errno of one of them, EACCES only if all have it; or errno of
                * a missing start */
};

/* Visits each directory of the mount and each directory of the home with its
 * own rights, except directories that a share hides. Ends early if the session
 * or master has gone, or if a limit is reached. Doesn't follow links. */
void walk_mount(struct walk *w);

/* Does the same, beginning at the directory PATH of the mount, which is virtual
 * and may be missing. Follows no link to it. */
void walk_below(struct walk *w, struct slice path);

/* Tells sallyportctl that the walk doesn't hang, and that the next step may
 * take MS (0: the usual time). */
void walk_works(const struct walk *w, uint64_t ms);
#define WALK_READER_MS (UINT64_C(15) * 60 * 1000) /* a pager */
/* Counts a directory that can't be read, unless it has gone. */
void walk_not_read(struct walk *w, int error);

/* Adds NAME to PATH. Returns false if PATH would be too long. */
bool walk_enter(struct path *path, const char *name);
/* Cuts PATH back to its first LEN bytes. */
void walk_leave(struct path *path, size_t len);

/* facts.c: the facts of one name in an open directory. */

/* A directory in which names are looked up. */
struct view {
    const struct mount *mount;
    int fd;
    struct slice path; /* its virtual path, to follow links from */
};

struct facts {
    struct stat st; /* facts of the link itself, or of what it leads to */
    bool link;
    unsigned perm;
    struct slice owner; /* valid until the next call; or empty */
};

/* Reads the facts of the open mount M. Returns 0, or -errno with an undefined
 * *ret. */
int facts_of_mount(struct files *f, const struct mount *m, struct facts *ret);
/* Does the same for NAME, which is no mount. A link to a directory is shown as
 * a directory only if the path leads INTO it, and ends in "/". */
int facts_read(struct files *f, const struct view *in, const char *name,
               bool into, struct facts *ret);
enum entry_kind facts_kind(const struct facts *facts);

/* Returns the perm fact, enum perm bits, in the mount M. LINK: it was reached
 * through a link there, and ST describes the link's target. */
unsigned facts_perm(const struct files *f, const struct mount *m,
                    const struct stat *st, bool link);

/* names.c: returns the name of the user with UID, who owns a file of the mount
 * M, if M is a share; otherwise an empty text. Valid until the next call. */
struct slice names_owner(struct files *f, const struct mount *m, uid_t uid);
int names_on_owner_is(void *owner, struct msg_owner_is *m);

/* list.c: patterns for names, as NLST and LIST take them. */

/* Is there a '*', '?' or '[' in it? */
bool list_is_pattern(const char *name);
/* Does NAME match? '*': any bytes; '?': any one byte; "[a-z]", "[!a-z]": one
 * byte of a set; otherwise the byte itself. None of them matches a dot at the
 * beginning. A '[' without its ']' is itself. Takes O(length of PATTERN times
 * length of NAME). */
bool list_matches(const char *pattern, const char *name);

/* count.c: counts the files and bytes that the user has stored, for uploads and
 * upload_bytes. */

/* Call it before the sandbox closes; HOME is the home's directory. Returns 0 or
 * -errno. */
int count_open(struct files *f, int home);
/* May the user store one more file, of BYTES? Returns 0, OUTCOME_MAX_FILES,
 * OUTCOME_MAX_BYTES or -errno. *ret is what is stored. */
int count_check(struct files *f, uint64_t bytes, struct stored *ret);
/* Returns how many bytes upload_bytes leaves beside *STORED; UINT64_MAX: there
 * is no limit. */
uint64_t count_left(const struct files *f, const struct stored *stored);
/* Counts one more file, and returns as count_check(). Call it before the
 * rename: a process that is killed in between then counts one file too many,
 * never one too few. */
int count_one(struct files *f, uint64_t *bytes);
/* Takes the count back: the rename has failed. */
void count_back(struct files *f, uint64_t bytes);

/* lock.c */

/* A lock of a directory; on a network disk also of its lock file. */
struct lock {
    int directory; /* not owned */
    int file;
};
#define LOCK_NONE    { .directory = -1, .file = -1 }
#define LOCK_CLEANUP __attribute__((cleanup(lock_release)))

/* The lock file of a directory on a network disk. RMD removes it, and it never
 * expires. The home's lock file also guards the count. */
#define LOCK_FILE PATH_RESERVED "lock"
/* Opens the lock file. Returns its descriptor, or -errno. */
int lock_make_file(const struct files *f, const struct mount *m, int directory);

/* Locks DIRECTORY, of the mount M, open for reading; owner_note_disk() has
 * noted its disk. A session holds this lock while it gives a file a name, or
 * takes one away. So what was checked under the lock still holds at the rename.
 * Returns 0; -EBUSY after 5 s. Returns 0 also if it can't be locked: it isn't
 * open for reading, or its file system has no locks. */
int lock_directory(struct files *f, const struct mount *m, int directory,
                   struct lock *ret);
/* Does the same for two directories, which may be the same. */
int lock_both(struct files *f, const struct mount *m, int a, int b,
              struct lock ret[2]);
/* Does the same for one open file or directory, on this machine alone. */
int lock_open_file(const struct files *f, int fd);
void lock_release(struct lock *l);

/* naming.c: the rename that makes a file visible. */

/* A file that gets a name. */
struct naming {
    const struct mount *mount;
    int source;       /* the directory in which the file is now */
    const char *from; /* its name there */
    /* Device and inode of the file. CONFLICT_REJECT doesn't need them. */
    struct stat file;
    int directory; /* the directory in which it gets the name; on the same file
                    * system */
    /* The wanted name, in NAME_MAX + 1 bytes, and the path that ends in it.
     * naming_give() changes both if the file gets another name. */
    char *name;
    struct path *path;
    enum conflict conflict;
    /* Set by naming_give(): a partial got its name by a link, and still has its
     * own name. The caller removes that once the file is closed. */
    bool linked;
};

/* Returns the stricter of the RULE, on_conflict, and the client's WISH for its
 * uploads: CONFLICT_RENAME keeps the file that has the name, CONFLICT_REJECT
 * permits nothing. Any other wish changes nothing. */
enum conflict naming_stricter(enum conflict rule, enum conflict wish);
/* May an upload begin if a file of the mount M, or a LINK to one, has its name?
 * Returns 0, OUTCOME_NO_RIGHT or OUTCOME_NAME_TAKEN. */
int naming_permitted(const struct mount *m, enum conflict conflict, bool link);
/* Gives a file its name by the rules of on_conflict. Returns 0, and name and
 * path are those under which it is visible; otherwise an enum outcome or
 * -errno, and the file stays in its place (or, with OUTCOME_OVERTAKEN, where
 * another process has put it). The caller holds the lock. */
int naming_give(const struct files *f, struct naming *n);
/* Does the same for the open upload and its partial. */
int naming_upload(const struct files *f, struct upload *u);

/* other.c: makes other names for a file whose own name is taken. */

/* Writes the Nth name instead of NAME, N from 1: for CONFLICT_RENAME "a (2).b"
 * or "new-a.b", for CONFLICT_VERSION "a.b.~1~". If it would be longer than SIZE
 * - 1, cuts it between characters. */
void other_name(enum conflict conflict, enum conflict_name style,
                const char *name, unsigned n, char *out, size_t size);
/* Does the same for a drop: "a.7f3a9c21.b". */
void other_random(const char *name, uint32_t number, char *out, size_t size);

/* held.c: uploads that wait for inspection. Each has a reserved name in its
 * directory, which contains its id, the wanted name, and the rule if that name
 * is taken at the release. So one rename begins the wait or ends it. */

#define HELD_NAME_MAX (NAME_MAX - 35) /* bytes of a wanted name */

/* Makes the reserved name, with a new id in ID. NAME has at most HELD_NAME_MAX
 * bytes. */
void held_name(const char *name, enum conflict conflict,
               char id[HELD_DIGITS + 1], char out[NAME_MAX + 1]);
/* Notes on the complete file FD when it became complete, and the wanted NAME.
 * Without the note, for instance because the file system has no attributes, the
 * release counts as a change of the file. */
void held_stamp(int fd, const char *name);
/* Parses such a name. Returns true, and *name points into TEXT. */
bool held_parse(const char *text, char id[HELD_DIGITS + 1],
                enum conflict *conflict, const char **name);
/* Does an upload of this user's wait under this name? */
bool held_waits(const struct files *f, const struct place *at);

/* copy.c: copies the head of a finished file, for REST and APPE onto it, into
 * the partial, in steps, so that the process serves its session in between. */

/* Takes FROM, a regular file, to copy its first LEN bytes. Returns 0; -EBUSY if
 * the file is shorter; -errno. FROM is closed on failure too. */
int copy_init(struct copy *c, int from, uint64_t len);
void copy_release(struct copy *c);

uint64_t copy_left(const struct copy *c);
/* Returns how many bytes the copy writes at most: holes are kept. */
uint64_t copy_cost(const struct copy *c);

/* Shares all blocks with INTO, which is empty, if the file system can. Returns
 * true if nothing is left to copy. */
bool copy_by_clone(struct copy *c, int into);
/* Copies the next piece, a few MiB at most. Returns 0 or -errno; after the last
 * piece as copy_unchanged(). */
int copy_step(struct copy *c, int into);
/* Returns 0; or OUTCOME_CHANGED if another process has written to the file, or
 * moved or deleted it, since copy_init(). */
int copy_unchanged(const struct copy *c);

/* space.c: is there room on a disk? */

/* Do LENGTH more bytes fit? Returns 0 or -ENOSPC. A file system that doesn't
 * report the size of its blocks has room until a write fails. */
int space_check(const struct statvfs *disk, uint64_t length);

/* Returns the bytes that are free on the disk; INT64_MAX at most. */
uint64_t space_free(const struct statvfs *disk);
/* Returns how many bytes of the DISK min_free keeps free. */
uint64_t space_floor(const struct files *f, const struct statvfs *disk);
/* Returns the bytes that the user may still write: by the disk, min_free and
 * the QUOTA, which may be NULL. */
uint64_t space_usable(const struct files *f, const struct statvfs *disk,
                      const struct quota *quota);
/* Did a request fail for lack of space, on the disk or by a limit? */
bool space_is_short(int result);
/* Call it before something is removed from the disk of FD; then call
 * space_freed() with the number of removed BYTES. They count as free until the
 * disk reports them, for a minute at most. */
void space_will_free(struct files *f, const struct mount *m, int fd);
void space_freed(struct files *f, uint64_t bytes);
/* Makes room for LENGTH bytes in the directory or file FD of the mount. Returns
 * 0; -EDQUOT by a quota, OUTCOME_KEPT_FREE by min_free, or -ENOSPC; another
 * -errno. If idle partials take the missing space, removes as many as needed,
 * or none if all of them wouldn't be enough. */
int space_make_room(struct files *f, const struct mount *m, int fd,
                    uint64_t length);
/* Does the same for the space that min_free keeps on the disk of FD. Returns 0;
 * OUTCOME_KEPT_FREE if less than that is free, also without the idle partials;
 * -errno. */
int space_ensure_floor(struct files *f, const struct mount *m, int fd);

/* quota.c */

/* Call it before the sandbox closes: prepares the mount for the functions
 * below. */
void quota_watch(struct mount *m);
/* Gets the limit with the least left for FD, a directory of the mount or a file
 * in it. All zero: no limit is known, or the user must not see it, since the
 * share hides other users. */
void quota_at(const struct files *f, const struct mount *m, int fd,
              struct quota *ret);
/* Explains the RESULT of a request that makes an ENTRY, a file or directory, in
 * DIRECTORY, of the mount M; or else writes to a file in it. Returns RESULT;
 * but after a lack of space the outcome that names the cause, and then
 * f->exceeded is the limit, or zero. */
int quota_explain(struct files *f, const struct mount *m, int directory,
                  bool entry, int result);

/* An idle partial belongs to this user, and no upload is writing it. It was not
 * written within the last hour, and SIZE didn't report its length within the
 * last half hour. Each search looks at 100,000 names at most, for 5 s at most:
 * in the share if M is one, otherwise in the home, since reaching a limit in
 * one of them says nothing about the others. */

/* Removes idle partials on the disk of FD until NEED bytes are freed, and logs
 * it with SHORTAGE, a result of space_make_room(). Returns the freed bytes. */
uint64_t space_remove_idle(struct files *f, const struct mount *m, int fd,
                           int shortage, uint64_t need);

#endif

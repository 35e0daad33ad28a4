/* The state of the process files, the requests that it answers, and the
 * functions that its source files share. */
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

/* Facts about the file system, or the subvolume, of a directory, for
 * quota.c. */
struct quota_place {
    dev_t device;
    bool btrfs, none; /* none: a network disk, which shows no quotas */
    struct quota_subvolume subvolume;
};

/* A directory of the user's tree, with everything below it except other mounts:
 * the home, or a share. */
struct mount {
    struct slice at; /* its virtual path; "" for the home */
    int fd;          /* -1: it couldn't be opened, and counts as empty */
    unsigned rights;
    bool share;
    bool drop;    /* the user sees none of its names */
    bool mine;    /* the user sees directories and own files only */
    bool inspect; /* uploads wait, unseen, for sallyportctl */
    bool follows; /* follows symbolic links: only a home in which the user sees
                     all names */
    unsigned file_mode, dir_mode; /* modes of new files and directories */
    struct quota_place quota;
};

struct copy {
    int from;           /* the finished file; -1: there is nothing to copy */
    uint64_t done, len; /* bytes of its head: already copied; to copy in all */
    struct stat before; /* facts of the finished file when the copy began */
};
#define COPY_NONE { .from = -1 }

#define HELD_DIGITS 16 /* hex digits of the id of an upload that waits */

/* The upload that is open while the session's channel is in PHASE_WRITING.
 * After the upload's end the struct keeps its facts until the next upload
 * begins. */
struct upload {
    bool open;
    bool unreported; /* if the session dies now, this process logs the upload */
    bool prepared;   /* its length was checked, and all of it was synced */
    bool visible;    /* the rename was done */
    bool wanted;  /* the partial has ATTRIBUTE_WANTED, the client's name for the
                     file */
    int shortage; /* the result with which it failed for lack of space, or 0 */
    char held[HELD_DIGITS + 1]; /* its id if it waits for inspection */
    enum write_mode mode;
    uint64_t began;   /* clock_ms() at its beginning */
    uint64_t first;   /* offset of its first new byte */
    uint64_t length;  /* so far */
    uint64_t look_at; /* clock_ms() before which count_others() isn't asked */
    uint64_t answer;  /* resume_key() of the path that the client named */
    const struct mount *mount;
    int directory; /* the directory of the target and its partial */
    enum conflict conflict;
    bool onto_nothing; /* APPE: must the name still be free at the commit? */
    struct partial partial;
    struct copy copy; /* the head of the file that REST or APPE continues */
    char name[NAME_MAX + 1];
    struct path path; /* path of the target, as the client named it */
};

/* An upload that this session has stored in a drop, with `mine`, or under
 * another name than the client named (own.c). */
struct own {
    uint64_t key; /* resume_key() of the path that the client named */
    const struct mount *mount; /* NULL: this entry is free */
    bool held;                 /* it waits for inspection, or has waited */
    struct stat st;            /* of the file, when it was stored */
    uint64_t born;             /* its time of birth in ns; 0: unknown */
    char name[NAME_MAX + 1];   /* as the client named it */
    char stored[NAME_MAX + 1]; /* the name that it got */
};
/* Later uploads replace the oldest entries. */
#define OWN_MAX 128

/* Removed bytes that the file system doesn't report as free yet. */
struct freed_bytes {
    uint64_t due, said; /* due: not reported as free yet; said: the free bytes
                           that the disk or quota reported at the last look */
};
struct freed {
    dev_t device;
    uint64_t until; /* clock_ms() until which they count as free */
    struct freed_bytes disk, quota;
};
#define FREED_MS 60000

/* The name of a file's owner, from master; "": our user isn't permitted to
 * learn it. */
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
    int counter;           /* the home, open if uploads are counted; otherwise
                            * -1 */
    uint64_t missed_until; /* clock_ms() before which no commit looks at the
                            * others, since a look would miss some, too */
    int counter_lock;      /* the descriptor that is locked while an upload is
                              counted; or -errno */
    bool writes_only;      /* opens partials for writing only, since the sandbox
                              permits no reading in one of the mounts */
    bool uid_is_shared;    /* other users have this uid, so it names no owner */
    struct channel session, master;
    struct event_sender log;
    bool over;   /* session or master is gone */
    bool orphan; /* master is gone */
    int died;    /* the signal that ended the session; 0: it left, or lives */
    unsigned next_own;      /* index of the entry that is replaced next */
    unsigned next_sized[2]; /* counts answers about partials, about files: each
                               replaces the oldest of its kind */
    bool forgot;            /* an answer about a file was replaced */
    bool no_marks;      /* logged already: confirmed lengths can't be stored */
    bool no_count;      /* logged already: uploads can't be counted */
    dev_t asked_device; /* the disk that owner_note_disk() last looked at */
    bool locks_die;     /* that disk can give a lock to another server */
    struct freed freed;
    struct quota_amount
        exceeded;            /* the limit that the request has reached, or 0 */
    uint64_t nameless_until; /* clock_ms() before which master isn't asked
                              * for names */
    /* These are last: an idle process has written only to the first page of
     * each. */
    struct mount mount[1 + FILES_MOUNTS_MAX]; /* the first one is the home */
    struct upload upload;
    struct sized sized[2 * SIZED_MAX];   /* about partials, then about files */
    struct owner_name owner[OWNERS_MAX]; /* at uid % OWNERS_MAX */
    struct own own[OWN_MAX];
};

/* The requests of a session, and the two requests of sallyportctl. Each handler
 * returns 0 when it has answered; otherwise an enum outcome or -errno, and
 * files.c answers with `refused`. */
int facts_on_file_read(void *owner, struct msg_file_read *m);
int upload_on_file_write(void *owner, struct msg_file_write *m);
int upload_on_file_copy(void *owner, struct msg_file_copy *m);
int upload_on_file_sync(void *owner, struct msg_file_sync *m);
int upload_on_file_rest(void *owner, struct msg_file_rest *m);
int upload_on_file_go_on(void *owner, struct msg_file_go_on *m);
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

/* ANSWER(f, space_is, m->request, .bytes = n) sends the message space_is as the
 * answer to the request, and returns 0, so that a handler can end with "return
 * ANSWER()". If the session has gone, the main loop ends. If the session
 * doesn't read its answers, the process ends. */
#define ANSWER(f, name, ...) ANSWER_WITHIN(f, ANSWER_MS, name, __VA_ARGS__)
/* Does the same for a peer that can take up to MS to read. */
#define ANSWER_WITHIN(f, ms, name, ...)                                        \
    files_answer(f, ms, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))
#define ANSWER_MS 2000
int files_answer(struct files *f, uint64_t ms, enum message_kind kind,
                 const void *body);

/* Enters the sandbox, which permits in each mount what its rights need. Returns
 * 0, or -EPERM with a complaint. */
int files_enter(const struct files *f, const struct files_start *start,
                struct complaint *c);

/* Returns true if it has received a message. Sets *over if the channel has
 * ended. */
bool files_receive(struct channel *c, struct message *m, bool *over);
/* Handles a message of master, or notes master's end. */
void files_serve_master(struct files *f);
/* Waits up to MS. Returns true as soon as session or master has gone. */
bool files_peer_gone_within(const struct files *f, int ms);
/* Locks FD by flock(2), HOW: LOCK_EX or LOCK_SH. Returns 0; -EBUSY: another
 * process still has the lock after MS, or session or master has gone meanwhile;
 * or another -errno. */
int files_lock(const struct files *f, int fd, int how, uint64_t ms);

/* Begins an event about this user. */
void files_event_begin(const struct files *f, struct event_record *r,
                       enum event event, const char *reason);

/* Returns the outcome of RESULT: an enum outcome, or -errno. */
enum outcome files_outcome(int result);
/* Encodes an outcome as a number below every -errno, for functions that return
 * a descriptor. */
#define REFUSED(outcome) (-4096 - (int)(outcome))

/* change.c: can PATH be renamed or removed? Returns 0; OUTCOME_DENIED: PATH is
 * "/"; OUTCOME_MOUNT: PATH is a mount, or contains one. */
int change_of_mount(const struct files *f, const struct path *path);

/* upload.c */

/* Writes the client's name for the file into an attribute of the partial.
 * sallyportctl shows this name, and the name proves to which user the partial
 * belongs. The attribute costs two changes on the disk, so an upload gets it
 * only when it may be resumed later: after a second, at a sync, or at a cut. */
void upload_note_wanted(struct files *f);
/* Returns the ms until upload_note_wanted() is due; -1: it is done, or there is
 * no upload. */
int upload_wanted_ms(const struct upload *u);

/* Does the open upload, with LENGTH bytes so far, fit beside the user's other
 * unfinished uploads? Returns the same as count_others(). */
int upload_fits(struct files *f, uint64_t length, bool complete);
/* Call it with the RESULT of each step of the open upload. If the step failed
 * for lack of space, the upload's end will delete the partial. Returns the
 * result of quota_explain(). */
int upload_note_shortage(struct files *f, int result);
/* Takes the partial back if it rests. Call it before a step of the open upload.
 * Returns 0 or OUTCOME_PARTIAL_TAKEN. */
int upload_go_on(struct files *f);
/* Closes the upload, so that the session can begin another one. */
void upload_close(struct files *f);
/* Ends an open upload as if the client had been cut off: keeps it for a resume,
 * or deletes it. */
void upload_end_as_cut(struct files *f);
/* Logs the upload of a session that has died before it logged the upload. */
void upload_report_death(struct files *f);

/* mount.c: the directories that make up the user's tree. */

/* Notes all directories without opening them. */
void mount_init(struct files *f, const struct files_start *start);
/* Opens the home as the user; from then on the process has the user's ids.
 * Returns 0 or -errno. */
int mount_open_home(struct files *f, const struct files_start *start);
/* Opens the shares. Each share that can't be opened causes an event. */
void mount_open_others(struct files *f, const struct files_start *start);
/* Does the mount contain names that the user doesn't see? */
bool mount_hides_names(const struct mount *m);
/* The REFUSED() of a right that the mount lacks. */
int mount_refusal(const struct mount *m);
/* Returns what the sandbox must permit in the mount: bits of enum
 * beneath_may. */
unsigned mount_may(const struct mount *m);

/* Returns the mount of PATH. */
const struct mount *mount_of(const struct files *f, struct slice path);
/* Is PATH the mount's own virtual path? */
bool mount_is_at(const struct mount *m, struct slice path);
/* Has a share the path of NAME in DIRECTORY? Shares are in "/". */
bool mount_covers(const struct files *f, struct slice directory,
                  const char *name);

/* resolve.c: turns a virtual path into a descriptor; only the kernel resolves
 * the path. NEEDED: the rights that the user must have there, bits of enum
 * right. */

/* Copies the path of a request out of the message. Ends the process if the path
 * isn't normal, since only a hostile session sends such a path. */
void resolve_request(struct slice text, struct path *ret);

/* Is any component reserved? */
bool resolve_is_reserved(struct slice path);

/* Opens PATH, close-on-exec. Follows links only in a home in which the user
 * sees all names, and never out of the home. Returns a descriptor;
 * REFUSED(OUTCOME_NO_RIGHT or OUTCOME_IN_DROP); -ENOENT: a component is
 * reserved, or the path leads into a drop; -EIO: the mount of PATH couldn't be
 * opened; or another -errno. */
int resolve_open(const struct files *f, struct slice path, unsigned needed,
                 int flags);
/* Looks at PATH by O_PATH. Call it before PATH is opened for reading or
 * writing: a device, or the process at the other end of a FIFO, would notice
 * that. Returns 0: a regular file or a directory; -ENODEV: something else; or
 * an error of resolve_open(). */
int resolve_look(const struct files *f, const struct path *path,
                 unsigned needed);
/* Opens PATH beneath DIRECTORY, and follows links. Returns a descriptor;
 * -EXDEV: a link leads out of DIRECTORY; or another -errno. */
int resolve_beneath(int directory, const char *path, int flags);

/* Opens NAME, a name or a path, beneath DIRECTORY. Follows no link. MODE is for
 * O_CREAT. Uses openat2, the only call to open files that the sandbox
 * permits. */
int resolve_in(int directory, const char *name, int flags, unsigned mode);

/* Opens the directory NAME in DIRECTORY to read it. Returns a descriptor;
 * -EXDEV: something is mounted there; or another -errno. */
int resolve_unmounted(int directory, const char *name);

/* Do A and B describe the same file? */
bool resolve_is_same(const struct stat *a, const struct stat *b);
/* Do A and B describe the same file, unchanged between the two looks? */
bool resolve_is_unchanged(const struct stat *a, const struct stat *b);
/* Is NAME in DIRECTORY a name of the file FILE? A link to FILE is another
 * file. */
bool resolve_is_at(int directory, const char *name, const struct stat *file);
/* Reads the facts of the open file FD without asking a network disk: device,
 * inode and type, which never change, and the rest as the disk last answered.
 * Returns 0 or -errno. */
int resolve_known(int fd, struct stat *ret);
/* Reads the facts of FD from its file system, not from this machine's cache.
 * Returns 0 or -errno. */
int resolve_fresh(int fd, struct stat *ret);

/* Is ST another user's file, in a mount where the user sees only own files?
 * Then every request is answered as if the file didn't exist. */
bool resolve_hides(const struct files *f, const struct mount *m,
                   const struct stat *st);

/* A name and its directory. */
struct place {
    const struct mount *mount;
    int directory; /* not owned */
    int owned; /* the same if the place must close it; -1: it is the mount's own
                  descriptor */
    char name[NAME_MAX + 1]; /* "": the mount itself */
};
#define PLACE_CLEANUP __attribute__((cleanup(resolve_release_place)))
#define PLACE_NONE    { .directory = -1, .owned = -1 }

/* Finds the place of PATH, and opens its directory with FLAGS: O_PATH, or
 * O_RDONLY to read or sync it. Doesn't check that the name exists. Returns 0,
 * or an error of resolve_open(). */
int resolve_place(const struct files *f, const struct path *path,
                  unsigned needed, int flags, struct place *ret);
/* Does the same for a new name. Returns also OUTCOME_BAD_NAME; OUTCOME_EXISTS:
 * PATH is "/"; OUTCOME_MOUNT: PATH is another mount. */
int resolve_new_place(const struct files *f, const struct path *path,
                      unsigned needed, int flags, struct place *ret);
void resolve_release_place(struct place *p);
/* Does PATH lead to a name in the open DIRECTORY now? Another session or a
 * local program may have renamed it, and made a new one with its name. Returns
 * 0; OUTCOME_MOVED; or another error of resolve_place(). */
int resolve_leads(const struct files *f, const struct path *path,
                  int directory);

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

/* The caller closes FD. FD must be at the start of its directory. */
void directory_begin(struct directory *d, int fd);
/* Leaves out "." and "..". Returns 1: *name is the next name, valid until the
 * next call; 0: all names were read; or -errno. */
int directory_next(struct directory *d, const char **name);

/* A walk through all directories of a mount, one after another. */
struct walk {
    struct files *f;
    const struct mount *mount;
    void *owner;
    /* walk.c calls it for each NAME in the open directory DIRECTORY, whose path
     * is w->path. */
    void (*on_name)(struct walk *w, int directory, const char *name);
    uint64_t most; /* the walk ends after so many looks at names; 0: no limit */
    uint64_t until;   /* clock_ms() at which the walk ends; 0: no limit */
    bool to_the_end;  /* goes on if the session or master has gone */
    bool one_disk;    /* leaves out file systems that are mounted in it, also by
                         mount --bind, and subvolumes and snapshots of btrfs */
    uint32_t request; /* the request of sallyportctl, to which signs of life are
                         sent; or 0 */

    uint64_t sign_at; /* clock_ms() */
    bool ends;        /* on_name sets it to end the walk */
    struct path path;
    uint64_t names;  /* looks so far; the walk looks at each name twice */
    uint64_t unread; /* how many directories and names couldn't be looked
                      * into */
    int error; /* errno of one of the unread, EACCES only if all of them have
                  it; or errno of the missing directory in which the walk should
                  begin */
};

/* Visits each directory of the mount. Leaves out a directory that a share
 * hides. Ends early if the session or master has gone, or if a limit is
 * reached. Doesn't follow links. */
void walk_mount(struct walk *w);

/* Does the same from the directory PATH of the mount on. PATH is virtual, and
 * the directory can be missing. Follows no link on the way to it. */
void walk_below(struct walk *w, struct slice path);

/* Tells sallyportctl that the walk doesn't hang, and that the next step can
 * take MS (0: the usual time). */
void walk_works(const struct walk *w, uint64_t ms);
/* Time for sallyportctl to read an answer: its output may go to a pager. */
#define WALK_READER_MS (UINT64_C(15) * 60 * 1000)
/* Counts a directory or a name that can't be read, unless it has gone or is
 * left out. */
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
    struct slice path; /* its virtual path, from which links are followed */
};

struct facts {
    struct stat st; /* for a link: its own facts, or the facts of its target */
    bool link;
    unsigned perm;
    struct slice owner; /* valid until the next call; or empty */
};

/* Reads the facts of the open mount M. Returns 0, or -errno with an undefined
 * *ret. */
int facts_of_mount(struct files *f, const struct mount *m, struct facts *ret);
/* Does the same for NAME in the directory IN; NAME isn't a mount. INTO: the
 * client's path ends in "/". Only then is a link to a directory shown as a
 * directory. */
int facts_read(struct files *f, const struct view *in, const char *name,
               bool into, struct facts *ret);
enum entry_kind facts_kind(const struct facts *facts);

/* Returns the perm fact of a name in the mount M: bits of enum perm. LINK: the
 * name is a link, and ST describes the link or its target. */
unsigned facts_perm(const struct files *f, const struct mount *m,
                    const struct stat *st, bool link);

/* own.c */

/* Returns the upload of this session that the client has named PATH, or that is
 * stored there in a drop; NULL: there is none, or PATH is neither in a drop nor
 * in a mount with `mine`. */
struct own *own_find(struct files *f, const struct path *path);
/* Has the last upload of PATH in this session another name than AT, and is the
 * file of AT, with the facts ST, another one? Not for drops. */
bool own_is_elsewhere(struct files *f, const struct path *path,
                      const struct place *at, const struct stat *st);
/* Forgets the upload with this key, unless the mount hides names. */
void own_forget(struct files *f, const struct mount *m, uint64_t key);
/* Remembers the open upload, which has been stored, if it can be found, and if
 * names are hidden or it got another name. NAME is the name that the client
 * gave. */
void own_store(struct files *f, const char *name);
/* Changes the names of ONE. Forgets an earlier upload of this NAME. */
void own_name(struct files *f, struct own *one, const char *name,
              const char *stored);
/* Does its stored name still lead to ONE? */
bool own_is_at(int directory, const struct own *one);
/* Gets the facts of ONE as they were when it was stored. Returns 0. */
int own_facts(const struct files *f, const struct own *one, struct facts *ret);

/* names.c: returns the name of the user with UID, who owns a file of the mount
 * M; "" if M isn't a share, or the name isn't known. Valid until the next
 * call. */
struct slice names_owner(struct files *f, const struct mount *m, uid_t uid);
int names_on_owner_is(void *owner, struct msg_owner_is *m);

/* list.c: patterns for names, as NLST and LIST take them. */

/* Does NAME contain a '*', '?' or '['? */
bool list_is_pattern(const char *name);
/* Does NAME match? '*': any bytes; '?': any one byte; "[a-z]", "[!a-z]": one
 * byte of a set; otherwise the byte itself. None of these three matches a dot
 * at the beginning of NAME. A '[' without its ']' is an ordinary byte. Takes
 * O(length of PATTERN times length of NAME). */
bool list_matches(const char *pattern, const char *name);

/* count.c: counts the files and bytes that the user has stored, for the limits
 * uploads and upload_bytes. */

/* Call it before the sandbox closes; HOME is the home's directory. Returns 0 or
 * -errno. */
int count_open(struct files *f, int home);
/* May the user store one more file, of BYTES? Returns 0, OUTCOME_MAX_FILES,
 * OUTCOME_MAX_BYTES or -errno. *ret: the files and bytes that are stored
 * already. */
int count_check(struct files *f, uint64_t bytes, struct stored *ret);
/* Returns how many more bytes upload_bytes permits after *STORED; UINT64_MAX:
 * there is no limit. */
uint64_t count_left(const struct files *f, const struct stored *stored);
/* Counts one more file, of *BYTES. Returns the same as count_check(). Call it
 * before the rename: if the process is killed in between, the count is one file
 * too high, never too low. */
int count_one(struct files *f, uint64_t *bytes);
/* Takes back the count of a file after its rename has failed. */
void count_back(struct files *f, uint64_t bytes);
/* Has the user no limit, or, as far as is known, no unfinished upload? */
bool count_is_settled(const struct files *f);
/* Call it before an upload can leave a partial. */
void count_note_unfinished(const struct files *f);
/* Do the open upload, of BYTES, and the user's other unfinished uploads fit
 * into what the limits leave? If too much is there, removes the oldest partials
 * at rest; but no partial with a record of SIZE, unless it is idle, and none if
 * all of them wouldn't be enough. COMPLETE: the upload is about to become a
 * file, so others that are being written must yield to it, and don't count.
 * Returns 0, OUTCOME_MAX_FILES, OUTCOME_MAX_BYTES or -errno; OUTCOME_BUSY: too
 * much is there, but another upload is still being written. */
int count_others(struct files *f, uint64_t bytes, bool complete);

/* lock.c: a lock of a directory; on a network disk also of its lock file. */
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

/* Locks DIRECTORY, of the mount M; call owner_note_disk() before. A session
 * holds this lock while it gives a file a name, or takes a name away, so a
 * check under the lock is still true at the rename. Returns 0, also if
 * DIRECTORY can't be locked, since it isn't open for reading or its file system
 * has no locks; -EBUSY: another process has had the lock for 5 s; or another
 * -errno. */
int lock_directory(struct files *f, const struct mount *m, int directory,
                   struct lock *ret);
/* Does the same, and then looks where PATH leads: whatever was looked at before
 * the wait for the lock may have changed. Returns also the results of
 * resolve_leads(). */
int lock_place(struct files *f, const struct mount *m, const struct path *path,
               int directory, struct lock *ret);
/* Locks as lock_directory() the directories that aren't negative; they can be
 * the same. On failure some are locked. */
#define LOCKS 3
int lock_all(struct files *f, const struct mount *m,
             const int directories[LOCKS], struct lock ret[LOCKS]);
/* Does the same for one open file or directory, without a lock file. */
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
    bool unique; /* STOU: the name itself is random, so it shows no other name,
                    and gets no suffix */
    /* naming_give() sets it if a partial got its name by a link, and still has
     * its own name, too. The caller removes the partial's own name after it has
     * closed the partial. */
    bool linked;
};

/* Returns the stricter one of RULE, which is on_conflict, and WISH, which the
 * client has chosen for its uploads. CONFLICT_REJECT is the strictest; then
 * comes CONFLICT_RENAME, which keeps the file that has the name. Any other WISH
 * changes nothing. */
enum conflict naming_stricter(enum conflict rule, enum conflict wish);
/* May an upload begin if its name is taken in the mount M? Returns 0,
 * OUTCOME_NO_RIGHT or OUTCOME_NAME_TAKEN. */
int naming_permitted(const struct mount *m, enum conflict conflict);
/* Gives a file its name by the rules of on_conflict. The caller holds the lock.
 * Returns 0: n->name and n->path are the name and path that the file got;
 * otherwise an enum outcome or -errno, and the file stays in its place. But
 * after OUTCOME_NAME_LOST another process may have moved it. */
int naming_give(const struct files *f, struct naming *n);
/* Does the same for the open upload and its partial. */
int naming_upload(const struct files *f, struct upload *u);

/* other.c: makes other names for a file whose own name is taken. */

/* Writes the Nth name instead of NAME; N begins at 1: "a (2).b". If the result
 * would be longer than SIZE - 1 bytes, cuts NAME between characters. */
void other_name(const char *name, unsigned n, char *out, size_t size);
/* Does the same with a random NUMBER, for a mount that hides names:
 * "a.7f3a9c21.b". */
void other_random(const char *name, uint32_t number, char *out, size_t size);

/* held.c: uploads that wait for inspection. Each has a reserved name in its
 * directory, which contains the upload's id, the wanted name, and the conflict
 * rule for the release. So one rename begins the wait, and one rename ends
 * it. */

#define HELD_NAME_MAX (NAME_MAX - 35) /* bytes of a wanted name */

/* Makes a new ID, and the reserved name of an upload that wants NAME. NAME has
 * at most HELD_NAME_MAX bytes. */
void held_name(const char *name, enum conflict conflict,
               char id[HELD_DIGITS + 1], char out[NAME_MAX + 1]);
/* Writes an attribute to the complete file FD: the time at which its upload was
 * complete, and the wanted NAME. If the file system can't store the attribute,
 * the release counts as a change of the file. */
void held_stamp(int fd, const char *name);
/* Parses the reserved name TEXT. Returns false if it isn't such a name. *name
 * points into TEXT. */
bool held_parse(const char *text, char id[HELD_DIGITS + 1],
                enum conflict *conflict, const char **name);
/* Does an upload of this user wait for the name at AT? Returns OUTCOME_WAITS;
 * 0: none waits, or AT is in a drop; or -errno. */
int held_waits(const struct files *f, const struct place *at);

/* copy.c: copies the head of a finished file into the partial, if REST or APPE
 * continues that file. Copies in steps, so that the process serves its session
 * in between. */

/* Takes over FROM, to copy its first LEN bytes; closes it on failure. Returns
 * 0; -EBUSY: the file is shorter, or isn't regular; or another -errno. */
int copy_init(struct copy *c, int from, uint64_t len);
void copy_release(struct copy *c);

uint64_t copy_left(const struct copy *c);
/* Returns how many bytes the copy writes at most; it doesn't write holes. */
uint64_t copy_cost(const struct copy *c);

/* Shares all blocks of the file with INTO, which is empty, if the file system
 * can. Returns true if nothing is left to copy. */
bool copy_by_clone(struct copy *c, int into);
/* Copies the next piece, a few MiB at most. Returns 0; OUTCOME_CHANGED;
 * OUTCOME_SEND_WHOLE: the kernel can't copy from that disk; or -errno. After
 * the last piece returns the result of copy_unchanged(). */
int copy_step(struct copy *c, int into);
/* Checks the file that is copied. Returns 0; OUTCOME_CHANGED: since copy_init()
 * another process has written to the file, or moved or deleted it; or
 * -errno. */
int copy_unchanged(const struct copy *c);

/* space.c: makes room on a disk. */

/* Did a request fail for lack of space, on the disk or by a limit? */
bool space_is_short(int result);
/* Call it before something is removed from the disk of FD; then call
 * space_freed() with the number of removed BYTES. They count as free until the
 * disk reports them as free, for a minute at most. */
void space_look_before(struct files *f, const struct mount *m, int fd);
void space_freed(struct files *f, uint64_t bytes);
/* Makes room for LENGTH bytes on the disk of FD, a directory or file of the
 * mount. If space is missing, removes as many idle partials as needed, or none
 * if all of them wouldn't be enough. Returns 0; -EDQUOT: a quota forbids the
 * bytes; OUTCOME_KEPT_FREE: min_free forbids them; -ENOSPC: the disk is too
 * full; or another -errno. */
int space_make_room(struct files *f, const struct mount *m, int fd,
                    uint64_t length);
/* Makes room in the same way if less is free on the disk of FD than min_free
 * demands. Returns 0; OUTCOME_KEPT_FREE: less is free, and all idle partials
 * wouldn't be enough; or -errno. */
int space_ensure_floor(struct files *f, const struct mount *m, int fd);

/* An idle partial belongs to this user, and no upload is writing it. It was
 * last written, and SIZE last reported its length, more than an hour ago. The
 * server searches for idle partials in the share M, or in the home if M isn't a
 * share: a limit that is reached in one of them says nothing about the others.
 * A search looks at 100,000 names at most, and for 5 s at most. */

/* Removes idle partials on the disk of FD until NEED bytes are freed. Logs this
 * with the reason SHORTAGE, a result of space_make_room(). Returns how many
 * bytes were freed. */
uint64_t space_remove_idle(struct files *f, const struct mount *m, int fd,
                           int shortage, uint64_t need);

/* disk.c: is there room on a disk? */

/* Returns the bytes of a block; 0: the file system doesn't report its size. */
uint64_t space_block(const struct statvfs *disk);
/* Returns the bytes of BLOCKS; INT64_MAX at most. */
uint64_t space_product(uint64_t blocks, uint64_t block);
/* Do LENGTH more bytes fit? Returns 0 or -ENOSPC. A file system that doesn't
 * report the size of its blocks has room until a write fails. */
int space_check(const struct statvfs *disk, uint64_t length);

/* Returns the bytes that are free on the disk; INT64_MAX at most. */
uint64_t space_free(const struct statvfs *disk);
/* Returns how many bytes of DISK must stay free by the setting min_free. */
uint64_t space_floor(const struct files *f, const struct statvfs *disk);
/* Returns how many bytes the user can still write, by the free space of DISK
 * and by min_free. */
uint64_t space_usable(const struct files *f, const struct statvfs *disk);

/* quota.c */

/* Call it before the sandbox closes: prepares the mount for the functions
 * below. */
void quota_watch(struct mount *m);
/* Gets the limits that leave least for FD, a directory of the mount or a file
 * in it. All zero: no limit is known, or the user must not see it, since the
 * share hides other users. */
void quota_at(const struct files *f, const struct mount *m, int fd,
              struct quota *ret);
/* Explains the RESULT of a request in DIRECTORY, of the mount M. ENTRY: the
 * request makes a file or directory; otherwise it writes to a file. If space
 * was short because of a limit, returns the outcome for this limit, and sets
 * f->exceeded; otherwise returns RESULT. */
int quota_explain(struct files *f, const struct mount *m, int directory,
                  bool entry, int result);

#endif

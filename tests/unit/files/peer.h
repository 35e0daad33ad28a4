/* Functions with which a test plays session, master and log for a real process
 * files. If root runs the test, files has the uid of a user; otherwise it has
 * the caller's uid. */
#ifndef TEST_FILES_PEER_H
#define TEST_FILES_PEER_H

#include <sys/types.h>

#include "files/files.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "support/cast.h"
#include "support/test.h"

struct nth;

#define PEER_UID 70123
#define PEER_MS  20000 /* the longest wait for an answer */
#define HOUR     3601
/* The name of a partial with a random name, which no upload is writing. */
#define LEFT ".sallyport-0123456789abcdef0123456789abcdef.temp"

struct peer {
    pid_t pid;
    struct channel session, master, log; /* the test's ends */
    char base[64], homes[80], home[96], shares[80];
    struct files_start start; /* for peer_run() */
    struct files_mount mounts[FILES_MOUNTS_MAX];
    char paths[FILES_MOUNTS_MAX][128]; /* of the shares on disk */
    unsigned facts;                    /* for ask_list() */
    enum conflict wish; /* the client's choice, for ask_write() */
    bool fleeting;      /* for ask_write(): a cut upload isn't kept */
    struct nth *nth;    /* sees the calls of the process that is forked next */
    bool may_die; /* if the process dies, requests return OUTCOME_UNANSWERED */
    uint64_t first;    /* where the last upload begins */
    char stored[4097]; /* path of the last commit or rename; "": failed */
    char held[32]; /* id of the last commit if it waits for inspection, or "" */
    bool unsafe;   /* the last commit isn't synced */
    uint64_t limit;            /* the most bytes of the last upload */
    bool by_bytes;             /* upload_bytes sets the limit */
    struct msg_space_is space; /* the answer to the last ask_space() */
    struct msg_refused why;   /* of the last request; zero: it wasn't refused */
    struct msg_facts_are are; /* of the last ask_facts(); zero: refused */
    char *text;          /* the last listing, valid until any peer's next one */
    int listed;          /* the outcome at the end of the last listing */
    uint64_t entries;    /* the number of lines of the last listing */
    const char *mounted; /* the mount that peer_remove() removes, or NULL */
};

/* Makes a home, and fills in p->start: all rights, no fsync. The test can
 * change both before peer_run(). */
void peer_init(struct peer *p);
/* Forks the process, and waits for `ready`. */
void peer_run(struct peer *p);
void peer_start(struct peer *p);
/* Does the same as peer_init(), but the home is a subvolume of a btrfs with
 * quotas. Skips the test if it can't mount. */
void peer_init_on_btrfs(struct peer *p);
/* Mounts a btrfs with quotas on a directory of the peer. Skips the test if it
 * can't. */
void peer_mount_btrfs(struct peer *p, const char *directory);
void peer_make_subvolume(const char *directory, const char *name);
/* Do the same as peer_init() and peer_start(), with a new peer at each call. */
struct peer *peer_new(void);
struct peer *peer_started(void);
/* Returns a peer with these rights for the next row of a table: LAST; or, if
 * LAST is NULL, has other rights or has CHANGED, a new peer after FURNISH. */
struct peer *peer_for_row(struct peer *last, bool changed, unsigned rights,
                          void (*furnish)(struct peer *p));
/* Forks the process, but doesn't wait: for starts that fail. */
void peer_fork(struct peer *p);
/* Runs a process for sallyportctl, which searches as FIND says, and counts the
 * answers by their state. Returns the last answer. */
struct msg_partials_end peer_find(const struct peer *p,
                                  const struct msg_find *find,
                                  unsigned count[PARTIAL_STATE_COUNT]);
/* Returns a copy of P for a process that has the share /contracts as its home,
 * and only the share's own uid and gid. */
struct peer peer_of_share(const struct peer *p);
/* Does the same as peer_start(), for a process of sallyportctl. */
void peer_start_for_ctl(struct peer *p);
/* Skips the test if it doesn't run as root: then all users have one uid. */
void skip_without_root(void);
/* Runs a second process in the home of FIRST, of the same user or (FOR_CTL) of
 * sallyportctl. */
void peer_join(struct peer *second, const struct peer *first, bool for_ctl);
/* Call it before peer_run(). Adds the share AT ("/contracts"): a directory that
 * belongs to root and to a group of its own. */
struct files_mount *peer_share(struct peer *p, const char *at, unsigned rights);
/* Runs a process of another user, NAME, who has a home of its own, and the
 * shares of FIRST, with RIGHTS in the first share. End SECOND before FIRST. */
void peer_member(struct peer *second, const struct peer *first,
                 const char *name, unsigned rights);
/* Defines a test with a peer P. BEGIN makes P: peer_start(p); or peer_init(p),
 * and the test calls peer_run(). P is stopped after the test. */
#define PeerTest(suite, name, begin)                                           \
    static void suite##_##name(struct peer *p);                                \
    Test(suite, name)                                                          \
    {                                                                          \
        struct peer one, *p = &one;                                            \
                                                                               \
        begin;                                                                 \
        suite##_##name(p);                                                     \
        peer_stop(p);                                                          \
    }                                                                          \
    static void suite##_##name(struct peer *p)
/* The directory of the share /contracts, in paths of the functions disk_…. */
#define SHARE "/../../shares/contracts"
/* Ends the session; the process must exit with 0. Keeps the home. */
void peer_leave(struct peer *p);
/* Kills the process, and keeps the home. */
void peer_kill(struct peer *p);
/* Does the same as peer_leave(), and runs a new process. */
void peer_again(struct peer *p);
/* Ends the session. The process must exit with 0, and its sandbox must have
 * refused no system call. Removes the home. */
void peer_stop(struct peer *p);
/* Waits for the end of the process. Returns its exit status, or 256 and the
 * number of the signal that killed it. */
int peer_wait(struct peer *p);
/* Ends the session, and expects the exit status STATUS. */
void peer_end_as(struct peer *p, int status);
void peer_remove(struct peer *p);

/* Receives the next event of the log. Returns false if there is none within
 * PEER_MS. The texts in *ret last until the next call. */
bool peer_event(struct peer *p, struct event_record *ret);
/* Receives the next event, which must be EVENT. */
struct event_record peer_expect(struct peer *p, enum event event);

/* ASK(p, file_commit, .length = n): sends a request, and receives its answer as
 * `heard`. Returns OUTCOME_OK, or the outcome of `refused`. */
#define ASK(p, name, ...)                                                      \
    ask(p, MSG_##name,                                                         \
        &(const struct msg_##name){ .request =                                 \
                                        NEXT(p) __VA_OPT__(, ) __VA_ARGS__ })
#define NEXT(p) channel_next(&(p)->session)
int ask(struct peer *p, enum message_kind kind, const void *body);
/* Ends the test as failed if the request is refused. */
#define DONE(request) cr_assert_eq(request, OUTCOME_OK)
/* GETS(NOT_FOUND, request): expects OUTCOME_NOT_FOUND. */
#define GETS(outcome, request) cr_expect_eq(request, OUTCOME_##outcome)
/* ask_answer() receives the answer to a request that was sent, and returns its
 * outcome. send_commit() sends a commit. */
int ask_answer(struct peer *p);
void send_commit(struct peer *p, uint64_t length);
/* Sends a message M that has only a path. */
int ask_path(struct peer *p, enum message_kind m, const char *path);
int ask_rename(struct peer *p, const char *from, const char *to);
int ask_facts(struct peer *p, const char *path, enum facts_for purpose);
/* Returns the length that SIZE reports; 0: also if SIZE is refused. */
uint64_t ask_size(struct peer *p, const char *path);
int ask_times(struct peer *p, const char *path, time_t access, time_t modify);
int ask_mode(struct peer *p, const char *path, unsigned mode);
int ask_space(struct peer *p, const char *path, uint64_t wanted);
/* Open a file. *fd: the descriptor for reading, or for writing at p->first
 * after all pieces are copied; -1: refused. If FD is NULL, the descriptor is
 * closed. */
int ask_read(struct peer *p, const char *path, uint64_t offset, int *fd);
int ask_write(struct peer *p, const char *path, enum write_mode mode,
              uint64_t offset, uint64_t announced, int *fd);
/* Receives the answer `file_writable` to REQUEST. The caller closes its
 * descriptor. */
int ask_open(struct peer *p, const struct msg_file_write *request,
             struct msg_file_writable *ret);
int ask_copy(struct peer *p, uint64_t *left);
/* Uploads the bytes of pattern SEED from p->first, where files begins the
 * upload, up to LEN. The caller commits or aborts the upload. */
int ask_upload(struct peer *p, const char *path, enum write_mode mode,
               uint64_t offset, size_t len, unsigned seed);
/* Does the same as ask_upload(), and commits. If this succeeds, the file must
 * have exactly LEN bytes of pattern SEED, unless it waits for inspection. */
int ask_put(struct peer *p, const char *path, enum write_mode mode,
            uint64_t offset, size_t len, unsigned seed);
/* Plays a STOR of LEN bytes, which must succeed. */
void ask_store(struct peer *p, const char *path, size_t len, unsigned seed);
/* Plays a STOR that is cut after LEN bytes. */
void ask_cut(struct peer *p, const char *path, size_t len, unsigned seed);
int ask_sync(struct peer *p);
/* Reports that a write has failed for lack of space or, with OVER_QUOTA,
 * because of a quota. */
int ask_full(struct peer *p, bool over_quota);
int ask_prepare(struct peer *p, uint64_t length);
int ask_commit(struct peer *p, uint64_t length);
int ask_abort(struct peer *p);
int ask_abort_spoiled(struct peer *p);
int ask_list(struct peer *p, const char *path, enum list_format format,
             const char *argument);

/* Change or check the disk without the process. PATH begins at the home. */
void disk_put(struct peer *p, const char *path, const void *data, size_t len);
void disk_directory(struct peer *p, const char *path);
/* Makes DEPTH directories NAME, each in the one before, and the first in PATH.
 * Their whole path can be longer than the kernel permits. Returns the last
 * directory, open. */
int disk_dig(struct peer *p, const char *path, int depth, const char *name);
void disk_link(struct peer *p, const char *target, const char *path);
void disk_socket(struct peer *p, const char *path);
void disk_hard_link(struct peer *p, const char *from, const char *to);
void disk_rename(struct peer *p, const char *from, const char *to);
void disk_fill(struct peer *p, const char *path, size_t len, unsigned seed);
/* Makes the directory TO, with copies of the files in FROM, as cp -a does. */
void disk_copy(struct peer *p, const char *from, const char *to);
/* Removes the files and the empty directories in the directory. */
void disk_empty(struct peer *p, const char *path);
bool disk_has(struct peer *p, const char *path);
struct stat disk_stat(struct peer *p, const char *path);
unsigned disk_mode(struct peer *p, const char *path);
bool disk_has_attribute(struct peer *p, const char *path, const char *name);
/* Does the file consist of exactly LEN bytes of pattern SEED? */
bool disk_is(struct peer *p, const char *path, size_t len, unsigned seed);
/* Appends bytes of pattern SEED to the only partial in FOLDER, up to the length
 * LEN. */
void disk_extend(struct peer *p, const char *folder, size_t len, unsigned seed);
/* Returns the number of partials in FOLDER. */
size_t disk_partials(struct peer *p, const char *folder);
/* Returns the path of the only partial in FOLDER, within the home. */
const char *disk_partial(struct peer *p, const char *folder);
void disk_age(struct peer *p, const char *path, int days);
/* Removes the abandoned partials in the home, as the timer of sallyportctl
 * does, with a clock that is SECONDS ahead. Returns how many were removed. */
unsigned disk_sweep(const struct peer *p, time_t seconds);
/* Does the same in the directory of the share /contracts. */
unsigned disk_sweep_share(const struct peer *p, time_t seconds);
const char *disk_path(struct peer *p, const char *path);
/* Returns the name of the user's own partial of FILE, valid until the next
 * call. */
const char *disk_partial_name(const struct peer *p, const char *file);

/* Writes the bytes of pattern SEED from FROM up to TO, each at its place. */
void put_pattern(int fd, size_t from, size_t to, unsigned seed);

/* PLAY(p, MKD("/d"), look_fails = "d", RMD("/d", IO)) plays steps in their
 * order, with the peer P. A request to which no outcome is given must succeed.
 * A step that fails ends the test; the report begins with the text of the last
 * ROW. */
#define PLAY(p, ...)           (play_begin(p), __VA_ARGS__, play_end())
#define OUTCOME_               OUTCOME_OK
#define STEP(request, wanted)  step_gets(#request, request, wanted)
#define STEP_IS(value, wanted) step_is(#value, value, wanted)
extern struct peer *playing;
void play_begin(struct peer *p);
void play_end(void);
extern char step_row[128];
void step_gets(const char *step, int outcome, int wanted);
void step_is(const char *step, uint64_t value, uint64_t wanted);
#define ROW(...) (void)snprintf(step_row, sizeof(step_row), __VA_ARGS__)
/* Requests. SENDS leaves an upload of LEN bytes open, OPENS an empty one. */
#define CWD(path, ...)                                                         \
    STEP(ask_path(playing, MSG_directory_enter, path), OUTCOME_##__VA_ARGS__)
#define MKD(path, ...)                                                         \
    STEP(ask_path(playing, MSG_directory_make, path), OUTCOME_##__VA_ARGS__)
#define RMD(path, ...)                                                         \
    STEP(ask_path(playing, MSG_directory_remove, path), OUTCOME_##__VA_ARGS__)
#define DELE(path, ...)                                                        \
    STEP(ask_path(playing, MSG_file_delete, path), OUTCOME_##__VA_ARGS__)
#define RNTO(from, to, ...)                                                    \
    STEP(ask_rename(playing, from, to), OUTCOME_##__VA_ARGS__)
#define MLST(path, ...)                                                        \
    STEP(ask_facts(playing, path, FACTS_FOR_ANY), OUTCOME_##__VA_ARGS__)
#define RNFR(path, ...)                                                        \
    STEP(ask_facts(playing, path, FACTS_FOR_RENAME), OUTCOME_##__VA_ARGS__)
#define RETR(path, ...)                                                        \
    STEP(ask_read(playing, path, 0, NULL), OUTCOME_##__VA_ARGS__)
#define MFMT(path, ...)                                                        \
    STEP(ask_times(playing, path, 5, 5), OUTCOME_##__VA_ARGS__)
#define CHMOD(path, mode, ...)                                                 \
    STEP(ask_mode(playing, path, mode), OUTCOME_##__VA_ARGS__)
#define STOR(path, len, seed, ...)                                             \
    STEP(ask_put(playing, path, WRITE_STORE, 0, len, seed),                    \
         OUTCOME_##__VA_ARGS__)
#define APPE(path, len, seed, ...)                                             \
    STEP(ask_put(playing, path, WRITE_APPEND, 0, len, seed),                   \
         OUTCOME_##__VA_ARGS__)
#define REST(path, at, len, seed, ...)                                         \
    STEP(ask_put(playing, path, WRITE_STORE, at, len, seed),                   \
         OUTCOME_##__VA_ARGS__)
#define SENDS(mode, path, at, len, seed, ...)                                  \
    STEP(ask_upload(playing, path, WRITE_##mode, at, len, seed),               \
         OUTCOME_##__VA_ARGS__)
#define OPENS(mode, path, at, announced, ...)                                  \
    STEP(ask_write(playing, path, WRITE_##mode, at, announced, NULL),          \
         OUTCOME_##__VA_ARGS__)
#define PREPARE(length, ...)                                                   \
    STEP(ask_prepare(playing, length), OUTCOME_##__VA_ARGS__)
#define COMMIT(length, ...)                                                    \
    STEP(ask_commit(playing, length), OUTCOME_##__VA_ARGS__)
#define ABORT(...) STEP(ask_abort(playing), OUTCOME_##__VA_ARGS__)
#define SYNC(...)  STEP(ask_sync(playing), OUTCOME_##__VA_ARGS__)
#define FULL(...)  STEP(ask_full(playing, false), OUTCOME_##__VA_ARGS__)
/* The directory has COUNT entries. */
#define LISTS(format, path, count)                                             \
    (STEP(ask_list(playing, path, LIST_##format, ""), OUTCOME_OK),             \
     STEP(playing->listed, OUTCOME_OK), STEP_IS(playing->entries, count))
#define CUTS(path, len, seed) ask_cut(playing, path, len, seed)
#define SIZE(path, length)    STEP_IS(ask_size(playing, path), length)
/* Checks after them, and changes of the disk and the process. */
#define FIRST(offset)       STEP_IS(playing->first, offset)
#define STORED(path)        STEP_IS(strcmp(playing->stored, path) == 0, true)
#define IS(path, len, seed) STEP_IS(disk_is(playing, path, len, seed), true)
#define HAS(path)           STEP_IS(disk_has(playing, path), true)
#define GONE(path)          STEP_IS(disk_has(playing, path), false)
#define MODE(path, mode)    STEP_IS(disk_mode(playing, path), mode)
#define PARTIALS(directory, count)                                             \
    STEP_IS(disk_partials(playing, directory), count)
#define SWEEPS(seconds, count) STEP_IS(disk_sweep(playing, seconds), count)
#define PUT(path, text)        disk_put(playing, path, text, strlen(text))
#define FILL(path, len, seed)  disk_fill(playing, path, len, seed)
#define DIRECTORY(path)        disk_directory(playing, path)
#define LINK(target, path)     disk_link(playing, target, path)
#define MOVE(from, to)         disk_rename(playing, from, to)
#define UNLINK(path)           STEP_IS((unsigned)unlink(disk_path(playing, path)), 0)
#define BITS(path, mode)                                                       \
    STEP_IS((unsigned)chmod(disk_path(playing, path), mode), 0)
#define SHARES(at, rights) (void)peer_share(playing, at, rights)
#define EVENT(event)       (void)peer_expect(playing, EVENT_##event)
#define RUN()              peer_run(playing)
#define AGAIN()            peer_again(playing)
#define LEAVE()            peer_leave(playing)

#endif

/* A test plays session, master and log for a real process files. If root runs
 * it, it has the uid of a user in its real sandbox; otherwise it has the
 * caller's uid. */
#ifndef TEST_FILES_PEER_H
#define TEST_FILES_PEER_H

#include <sys/types.h>

#include "files/files.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "support/test.h"

struct nth;

#define PEER_UID 70123
#define PEER_MS  20000 /* the longest wait for an answer */
#define HOUR     3601
/* A partial of a random name, which no upload is writing. */
#define LEFT ".sallyport-0123456789abcdef0123456789abcdef.temp"

struct peer {
    pid_t pid;
    struct channel session, master, log; /* the test's ends */
    char base[64], homes[80], home[96], shares[80];
    struct files_start start; /* for peer_run() */
    struct files_mount mounts[FILES_MOUNTS_MAX];
    char paths[6][128]; /* of shares */
    unsigned facts;     /* for ask_list() */
    enum conflict wish; /* of the client, for ask_write() */
    bool fleeting;      /* for ask_write(): it isn't kept if it is cut */
    struct nth *nth;    /* sees the calls of the process that is forked next */
    bool may_die;       /* then requests return OUTCOME_UNANSWERED */
    uint64_t first;     /* where the last upload begins */
    char stored[4097];  /* the path of the last commit or rename; "": none */
    char held[32];      /* the id of the last commit that waits, or "" */
    bool unsafe;        /* the last commit isn't synced */
    uint64_t limit;     /* of the last upload's bytes */
    bool by_bytes;      /* by upload_bytes */
    struct msg_space_is space; /* of the last ask_space() */
    struct msg_refused why;    /* the last refusal; zero: none */
    struct msg_facts_are are;  /* the last facts; zero: none */
    char *text;                /* the last listing, until any peer's next one */
    int listed;                /* how it ended */
    uint64_t entries;          /* its lines */
    const char *mounted;       /* a directory that is unmounted at its end */
};

/* Makes a home and a start with all rights, without fsync. The test may change
 * them before it runs. */
void peer_init(struct peer *p);
void peer_run(struct peer *p); /* and waits for `ready` */
void peer_start(struct peer *p);
/* Does as peer_init(), with a home that is a subvolume of a btrfs with quotas;
 * or skips the test. */
void peer_init_on_btrfs(struct peer *p);
/* Mounts such a btrfs on a directory of the peer. */
void peer_mount_btrfs(struct peer *p, const char *directory);
void peer_make_subvolume(const char *directory, const char *name);
/* The same, with another peer for each call. */
struct peer *peer_new(void);
struct peer *peer_started(void);
/* Runs it without waiting, for starts that fail. */
void peer_fork(struct peer *p);
/* The next answer to a request of sallyportctl, without signs of life. Returns
 * as channel_wait(). */
int peer_answers(struct peer *p, struct message *ret);
/* A process of sallyportctl searches, as FIND says; the answers are counted by
 * their state. Returns their end. */
struct msg_partials_end peer_find(const struct peer *p,
                                  const struct msg_find *find,
                                  unsigned count[PARTIAL_STATE_COUNT]);
/* P for a process that has only the gid of its share /contracts. */
struct peer peer_of_share(const struct peer *p);
/* The messages to master after it has opened its directories. */
void peer_starts(struct peer *p, struct message *ret);
/* Does the same, for sallyportctl. */
void peer_start_for_ctl(struct peer *p);
/* Skips a test that needs root: otherwise there is one user. */
void skip_without_root(void);
/* A second process of the same user, in the home of the first one; or one of
 * sallyportctl there. */
void peer_join(struct peer *second, const struct peer *first, bool for_ctl);
/* Before it runs: adds the share AT ("/contracts"), with a directory of root
 * and a group of its own; or RIGHTS in the directory AT of the home. */
struct files_mount *peer_share(struct peer *p, const char *at, unsigned rights);
void peer_rights(struct peer *p, const char *at, unsigned rights);
/* Runs a process of another user in the same shares, with RIGHTS in the first
 * one, and a home of its own. To be ended before the first one. */
void peer_member(struct peer *second, const struct peer *first,
                 const char *name, unsigned rights);
/* A test with a peer P, which BEGIN has made: peer_start(p), or peer_init(p)
 * and the test runs it. It is stopped afterwards. */
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
/* In paths of the functions disk_…: the share /contracts. */
#define SHARE "/../../shares/contracts"
/* Ends its session in an orderly way, and keeps the home. */
void peer_leave(struct peer *p);
/* Kills the process, and keeps the home. */
void peer_kill(struct peer *p);
/* The same, and the next process begins. */
void peer_again(struct peer *p);
/* Ends its session in an orderly way: it must exit with 0, without a refused
 * system call. Removes the home. */
void peer_stop(struct peer *p);
/* Returns its exit status; 256 and more: that signal killed it. */
int peer_wait(struct peer *p);
/* Ends its session, and expects that exit status. */
void peer_end_as(struct peer *p, int status);
void peer_remove(struct peer *p);

/* Receives the next event of the log. Returns false if there is none within
 * PEER_MS. Its texts last until the next call. */
bool peer_event(struct peer *p, struct event_record *ret);
/* The next one, which must be of this kind. */
struct event_record peer_expect(struct peer *p, enum event event);

/* ASK(p, &reply, file_commit, NEXT(p), .length = n): sends a request and
 * receives its answer. Returns OUTCOME_OK with *reply, or the outcome of
 * `refused`. The texts in *reply last until the next call. */
#define ASK(p, reply, name, ...)                                               \
    ask(p, reply, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))
#define NEXT(p) channel_next(&(p)->session)
int ask(struct peer *p, struct message *reply, enum message_kind kind,
        const void *body);
/* The test goes on only if the request succeeds. */
#define DONE(request) cr_assert_eq(request, OUTCOME_OK)
/* GETS(NOT_FOUND, request): expects that answer. */
#define GETS(outcome, request) cr_expect_eq(request, OUTCOME_##outcome)
/* OUTCOME_OK, or why files has refused. */
int outcome_of(const struct message *m);
/* The outcome of a request that was sent; a commit, sent. */
int ask_answer(struct peer *p);
void send_commit(struct peer *p, uint64_t length);
/* For messages that have only a path. */
int ask_path(struct peer *p, enum message_kind m, const char *path);
int ask_rename(struct peer *p, const char *from, const char *to);
int ask_facts(struct peer *p, const char *path, enum facts_for purpose);
/* Returns SIZE's answer; 0: nothing. */
uint64_t ask_size(struct peer *p, const char *path);
int ask_times(struct peer *p, const char *path, time_t access, time_t modify);
int ask_mode(struct peer *p, const char *path, unsigned mode);
int ask_space(struct peer *p, const char *path, uint64_t wanted);
/* *fd can be read or, after all file_copy, written at p->first; NULL: it is
 * closed. */
int ask_read(struct peer *p, const char *path, uint64_t offset, int *fd);
int ask_write(struct peer *p, const char *path, enum write_mode mode,
              uint64_t offset, uint64_t announced, int *fd);
/* Receives the answer `file_writable`; its descriptor is the caller's. */
int ask_open(struct peer *p, const struct msg_file_write *request,
             struct msg_file_writable *ret);
int ask_copy(struct peer *p, uint64_t *left);
/* An upload of pattern SEED from where files says, up to LEN; the caller
 * commits it or not. */
int ask_upload(struct peer *p, const char *path, enum write_mode mode,
               uint64_t offset, size_t len, unsigned seed);
/* The same, and its commit. If that succeeds, the file must have LEN bytes of
 * pattern SEED, or it waits for inspection. */
int ask_put(struct peer *p, const char *path, enum write_mode mode,
            uint64_t offset, size_t len, unsigned seed);
/* STOR of LEN bytes, which becomes the file. */
void ask_store(struct peer *p, const char *path, size_t len, unsigned seed);
/* STOR of LEN bytes that is cut. */
void ask_cut(struct peer *p, const char *path, size_t len, unsigned seed);
int ask_sync(struct peer *p);
/* A write has failed for want of space, or (OVER_QUOTA) by a quota. */
int ask_full(struct peer *p, bool over_quota);
int ask_prepare(struct peer *p, uint64_t length);
int ask_commit(struct peer *p, uint64_t length);
int ask_abort(struct peer *p);
int ask_abort_spoiled(struct peer *p);
int ask_list(struct peer *p, const char *path, enum list_format format,
             const char *argument);

/* Changes on disk without the process; the paths are within the home. */
void disk_put(struct peer *p, const char *path, const void *data, size_t len);
void disk_directory(struct peer *p, const char *path);
/* Makes DEPTH directories NAME in each other in the directory PATH, however
 * long their path becomes: the last one, open. */
int disk_dig(struct peer *p, const char *path, int depth, const char *name);
void disk_link(struct peer *p, const char *target, const char *path);
void disk_socket(struct peer *p, const char *path);
void disk_hard_link(struct peer *p, const char *from, const char *to);
void disk_rename(struct peer *p, const char *from, const char *to);
void disk_fill(struct peer *p, const char *path, size_t len, unsigned seed);
bool disk_has(struct peer *p, const char *path);
struct stat disk_stat(struct peer *p, const char *path);
unsigned disk_mode(struct peer *p, const char *path);
bool disk_has_attribute(struct peer *p, const char *path, const char *name);
/* Does the file consist of exactly LEN bytes of pattern SEED? */
bool disk_is(struct peer *p, const char *path, size_t len, unsigned seed);
/* Adds pattern to the only partial in FOLDER, up to LEN. */
void disk_extend(struct peer *p, const char *folder, size_t len, unsigned seed);
size_t disk_partials(struct peer *p, const char *folder); /* their number */
/* Returns the path of the only partial in FOLDER, within the home. */
const char *disk_partial(struct peer *p, const char *folder);
void disk_age(struct peer *p, const char *path, int days);
/* Removes the partials of the home that nobody will continue, as sallyportctl's
 * timer does, SECONDS later: their number. */
unsigned disk_sweep(const struct peer *p, time_t seconds);
/* The same for the directory of the share /contracts. */
unsigned disk_sweep_share(const struct peer *p, time_t seconds);
const char *disk_path(struct peer *p, const char *path);
/* The name of the user's own partial of FILE, until the next call. */
const char *disk_partial_name(const struct peer *p, const char *file);

/* Writes the bytes FROM to TO of pattern SEED at FROM. */
void put_pattern(int fd, size_t from, size_t to, unsigned seed);

#endif

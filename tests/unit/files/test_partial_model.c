/* Two sessions of one user, and a hand on the disk, do random steps around one
 * file name in directories that are renamed, removed, copied (also by hard
 * links), restored and linked anew; and a hand collects or replaces the
 * finished file. Each client believes what SIZE has told it in its session,
 * and perhaps in the one before, and sends the rest of just that upload; if
 * SIZE has told it the length of a finished file, it has a longer version of
 * this file. Then each visible file is one upload, whole; a file that is
 * acknowledged has its name; and whoever is refused for now succeeds after the
 * other session's upload has ended and SIZE was sent. SALLYPORT_SEED=NUMBER
 * plays one sequence again. With SALLYPORT_OTHER, this program of another
 * build, the second session is of that build. tests/system/partials does both
 * on each file system. */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "peer.h"
#include "support/long.h"
#include "support/scratch.h"
#include "syncs.h"

#define K     1024u
#define LEN   (200 * K)
#define MORE  (50 * K) /* by which a version is longer than the last one */
#define STEPS 40

/* The directories; "/l" is a link to "/d" or "/e", "/x" was moved away,
 * and "/b" is a backup. */
static const char *const paths[] = { "/d/f", "/e/f", "/l/f" };
#define PATHS (sizeof(paths) / sizeof(paths[0]))

/* The client's knowledge: SIZE has told it LENGTH of the upload SEED. */
struct known {
    size_t length;
    unsigned seed;
    bool file; /* it is the length of the finished file */
    bool old;  /* in an earlier session */
};

enum deed {
    SIZE,
    BEGIN,
    COMMIT,
    CUT,
    REST,
    GO_ON,
    AGAIN,
    DELETE,
    RENAME,
    MAKE,
    REMOVE
};

/* A player of another build gets these in a program of that build. */
struct order {
    enum deed deed;
    enum write_mode mode;
    char path[8], to[8];
    size_t from, length; /* the client's bytes */
    size_t whole;        /* length of its file */
    unsigned seed;
};

struct done {
    int outcome;
    uint64_t first; /* SIZE: the length */
    char stored[64];
};

struct player {
    struct peer *p;
    int far; /* a socket to the other program; -1: the peer is in this one */
    struct known told[PATHS];
    int fd; /* of an open upload in this program */
    bool open;
    bool rests;  /* no byte comes: the upload is open, and its file isn't */
    size_t from; /* where it began */
    size_t whole;
    unsigned seed;
    int path;
};

static struct peer peers[2];
static struct player players[2];
static unsigned next_seed, number, at_step;
static uint64_t chance;

static unsigned pick(unsigned n)
{
    chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(chance >> 33) % n;
}

/* The faults of another build aren't ours: its sequence ends with the first. */
static bool others_turn, spoiled;

#define HOLDS(condition, ...) HOLDS_(condition, __VA_ARGS__, "")
#define HOLDS_(condition, text, ...)                                           \
    cr_assert((condition) || (spoiled |= others_turn),                         \
              "sequence %u, step %u: " text "%s", number, at_step,             \
              __VA_ARGS__)

/* 1.0.0 has no message between the marks; tests/system/partials cuts them out.
 */
static struct done obey(struct peer *p, int *fd, const struct order *o)
{
    struct done done = { OUTCOME_OK, 0, "" };

    if (o->deed == CUT || o->deed == REST)
        fd_close(fd);
    switch (o->deed) {
    case SIZE:
        done.first = ask_size(p, o->path);
        break;
    case BEGIN:
        done.outcome = ask_write(p, o->path, o->mode,
                                 o->mode == WRITE_STORE ? o->from : 0, 0, fd);
        done.first = p->first;
        if (done.outcome == OUTCOME_OK)
            put_pattern(*fd, o->from, o->length, o->seed);
        break;
    case COMMIT:
        put_pattern(*fd, o->from, o->whole, o->seed);
        fd_close(fd);
        done.outcome = ask_commit(p, o->whole);
        snprintf(done.stored, sizeof(done.stored), "%.63s", p->stored);
        break;
    case CUT:
        DONE(ask_abort(p));
        break;
    case REST:
        /* [ */
        done.outcome = ASK(p, file_rest);
        /* ] */
        break;
    case GO_ON:
        /* [ */
        done.outcome = ASK(p, file_go_on);
        if (done.outcome == OUTCOME_OK)
            *fd = fd_take(&heard.file_again.file);
        /* ] */
        break;
    case AGAIN:
        fd_close(fd);
        peer_again(p);
        break;
    case DELETE:
        done.outcome = ask_path(p, MSG_file_delete, o->path);
        break;
    case RENAME:
        done.outcome = ask_rename(p, o->path, o->to);
        break;
    case MAKE:
        done.outcome = ask_path(p, MSG_directory_make, o->path);
        break;
    case REMOVE:
        done.outcome = ask_path(p, MSG_directory_remove, o->path);
        break;
    }
    return done;
}

static struct done tell(struct player *y, const struct order *o)
{
    struct done done;

    if (y->far < 0)
        return obey(y->p, &y->fd, o);
    cr_assert_eq(send(y->far, o, sizeof(*o), MSG_NOSIGNAL),
                 (ssize_t)sizeof(*o));
    HOLDS(recv(y->far, &done, sizeof(done), 0) == (ssize_t)sizeof(done),
          "the other program has failed");
    return done;
}

static struct done tell_path(struct player *y, enum deed deed, const char *path)
{
    struct order o = { .deed = deed };

    snprintf(o.path, sizeof(o.path), "%s", path);
    return tell(y, &o);
}

static bool is_there(const char *path)
{
    struct stat st; /* follows the link */

    return stat(disk_path(&peers[0], path), &st) == 0;
}

/* Returns the first byte of the file, which is the seed of its upload. */
static unsigned seed_of(const char *path)
{
    FD_CLEANUP int fd = open(disk_path(&peers[0], path), O_RDONLY | O_CLOEXEC);
    unsigned char byte = 0;

    return fd >= 0 && read(fd, &byte, 1) == 1 ? byte : 0;
}

static void hand_remove(const char *path)
{
    scratch_remove_tree(disk_path(&peers[0], path));
}

static void hand_make(const char *path)
{
    if (!disk_has(&peers[0], path))
        disk_directory(&peers[0], path);
}

/* As cp -al does. */
static void hand_copy_by_links(const char *from, const char *to)
{
    const char *const names[] = { "f", disk_partial_name(&peers[0], "f") };

    hand_make(to);
    for (int i = 0; i < 2; i++) {
        char a[128], b[128];

        snprintf(a, sizeof(a), "%s/%s", from, names[i]);
        snprintf(b, sizeof(b), "%s/%s", to, names[i]);
        if (disk_has(&peers[0], a))
            disk_hard_link(&peers[0], a, b);
    }
}

/* Gives the file a time that other files have, too, as rsync -t does. */
static void hand_time(const char *path)
{
    cr_assert_eq(utimensat(AT_FDCWD, disk_path(&peers[0], path),
                           (struct timespec[2]){ { 5, 0 }, { 5, 0 } }, 0),
                 0);
}

static void hand_link(const char *target)
{
    hand_remove("/l");
    disk_link(&peers[0], target, "/l");
}

/* Checks that each visible file is one upload, whole. */
static void look(void)
{
    static const char *const all[] = { "/d/f", "/e/f", "/x/f", "/b/f" };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (is_there(all[i])) {
            const size_t length = (size_t)disk_stat(&peers[0], all[i]).st_size;

            HOLDS(length >= LEN && (length - LEN) % MORE == 0 &&
                      disk_is(&peers[0], all[i], length, seed_of(all[i])),
                  "%s is a tail or a mix of uploads", all[i]);
        }
}

static unsigned new_seed(void)
{
    next_seed = next_seed % 250 + 1;
    return next_seed;
}

/* Makes the path of the partial of PATHS[path]. */
static void partial_of(const struct player *y, int path, char ret[128])
{
    snprintf(ret, 128, "%.3s%s", paths[path], disk_partial_name(y->p, "f"));
}

static void size(struct player *y, int path)
{
    char partial[128];
    uint64_t length = tell_path(y, SIZE, paths[path]).first;

    partial_of(y, path, partial);
    y->told[path] = (struct known){ 0 };
    if (length > 0 && is_there(paths[path]))
        y->told[path] = (struct known){ length, .seed = seed_of(paths[path]),
                                        .file = true };
    else if (length > 0)
        y->told[path] = (struct known){ length, .seed = seed_of(partial) };
}

/* Begins an upload of the bytes that the client has beyond T. */
static int begin(struct player *y, int path, enum write_mode mode,
                 struct known t)
{
    const size_t from = t.length, whole = t.file ? from + MORE : LEN;
    const unsigned seed = from > 0 ? t.seed : new_seed();
    struct order o = { BEGIN, .mode = mode, .from = from, .seed = seed };
    struct done done;

    o.length = from + pick((unsigned)(whole - from) + 1);
    snprintf(o.path, sizeof(o.path), "%s", paths[path]);
    done = tell(y, &o);
    if (done.outcome != OUTCOME_OK)
        return done.outcome;
    HOLDS(done.first == from, "begins at %llu, the client at %zu",
          (unsigned long long)done.first, from);
    y->open = true;
    y->from = from;
    y->whole = whole;
    y->seed = seed;
    y->path = path;
    return OUTCOME_OK;
}

static void cut(struct player *y)
{
    if (!y->open)
        return;
    y->open = y->rests = false;
    tell_path(y, CUT, "");
}

/* If the partial is gone or another session has used it, the upload ends as by
 * a cut. */
static bool continues(struct player *y, enum deed deed)
{
    const int r = tell_path(y, deed, "").outcome;

    HOLDS(r == OUTCOME_OK || r == OUTCOME_PARTIAL_TAKEN, "outcome %d", r);
    y->rests = r == OUTCOME_OK && deed == REST;
    if (r != OUTCOME_OK)
        cut(y);
    return r == OUTCOME_OK;
}

static void commit(struct player *y)
{
    struct done done;

    if (y->rests && !continues(y, GO_ON))
        return;
    done = tell(y, &(struct order){ COMMIT, .from = y->from, .whole = y->whole,
                                    .seed = y->seed });
    y->open = false;
    if (done.outcome == OUTCOME_OK)
        HOLDS(disk_is(&peers[0], done.stored, y->whole, y->seed),
              "%s isn't the acknowledged file", done.stored);
    look();
    y->told[y->path] = (struct known){ 0 };
}

/* The upload was refused for now. Its cause ends: the same again must succeed
 * if the partial has only grown; and in any case after SIZE. */
static void persist(struct player *y, int path, enum write_mode mode, int why)
{
    struct player *other = &players[y == players];
    const struct known t = y->told[path];
    /* 1.0.0 leaves no proof that it has only appended. */
    const bool grew = why == OUTCOME_BUSY && !t.file && !t.old && other->open &&
                      other->far < 0 && other->from >= t.length &&
                      other->seed == t.seed;
    int r = why;

    cut(other);
    if (grew && mode == WRITE_STORE)
        HOLDS((r = begin(y, path, mode, t)) == OUTCOME_OK,
              "outcome %d after \"busy\"", r);
    if (r == OUTCOME_OK)
        return;
    size(y, path);
    if (y->told[path].length == 0 && is_there(paths[path]))
        return;
    r = begin(y, path, y->told[path].length > 0 ? mode : WRITE_APPEND,
              y->told[path]);
    HOLDS(r != OUTCOME_BUSY && r != OUTCOME_SIZE_FIRST,
          "outcome %d, although SIZE was sent", r);
}

/* Does the server promise that no rest becomes a file? While a partial has the
 * record; and this one keeps it while its bytes can be resumed. Otherwise a
 * client without SIZE knows nothing. */
static void forget_old(struct player *y, int path)
{
    unsigned char mark[9] = { 0 };
    const unsigned char none[9] = { 0 };
    char partial[128];

    partial_of(y, path, partial);
    if (!y->told[path].old ||
        disk_has_attribute(y->p, partial, "user.sallyport.reported"))
        return;
    getxattr(disk_path(y->p, partial), "user.sallyport.confirmed", mark, 9);
    if (seed_of(partial) != y->told[path].seed ||
        memcmp(mark + 1, none, 8) == 0 ||
        disk_has_attribute(y->p, partial, "user.sallyport.overtaken"))
        y->told[path] = (struct known){ 0 };
}

static void upload(struct player *y, int path, enum write_mode mode)
{
    forget_old(y, path);
    const struct known t = y->told[path];
    int r;

    if (t.length == 0 && (mode == WRITE_APPEND && is_there(paths[path])))
        return; /* it would append to the file, as it should */
    r = begin(y, path, mode, t);
    if (r == OUTCOME_BUSY || r == OUTCOME_SIZE_FIRST)
        persist(y, path, mode, r);
}

static void reconnect(struct player *y, bool remembers)
{
    y->open = y->rests = false;
    tell_path(y, AGAIN, "");
    for (size_t i = 0; i < PATHS; i++)
        if (remembers && players[1].far < 0 && y->told[i].length > 0 &&
            !y->told[i].file)
            y->told[i].old = true;
        else
            y->told[i] = (struct known){ 0 };
}

/* While the client is away, the other one uses the name, or a copy of it. */
static void return_later(struct player *y, int path)
{
    struct player *other = &players[y == players];

    size(y, path);
    cut(other);
    if (pick(2)) {
        other->told[path] = (struct known){ 0 };
        upload(other, path, WRITE_STORE);
        cut(other);
    } else {
        hand_remove("/e");
        hand_copy_by_links("/d", "/e");
        size(other, 1);
    }
    reconnect(y, true);
    upload(y, path, pick(2) ? WRITE_STORE : WRITE_APPEND);
}

static void by_client(struct player *y)
{
    const int path = (int)pick(PATHS);

    switch (pick(y->open ? 4 : 14)) {
    case 0:
        reconnect(y, pick(2));
        break;
    case 1:
    case 2:
    case 3:
        if (!y->open)
            size(y, path);
        else if (pick(2))
            commit(y);
        else if (!y->rests && y->far < 0 && pick(2))
            continues(y, REST);
        else
            cut(y);
        break;
    case 4:
        y->told[path] = (struct known){ 0 };
        upload(y, path, WRITE_STORE);
        break;
    case 5:
    case 6:
        upload(y, path, WRITE_STORE);
        break;
    case 7:
    case 8:
        upload(y, path, WRITE_APPEND);
        break;
    case 9:
        if (tell_path(y, DELETE, paths[path]).outcome == OUTCOME_OK)
            y->told[path] = (struct known){ 0 };
        break;
    case 10:
        if (tell(y, &(struct order){ RENAME, .path = "/d/f", .to = "/b/f" })
                .outcome == OUTCOME_OK)
            y->told[0] = (struct known){ 0 };
        break;
    case 11:
        return_later(y, path);
        break;
    case 12:
        hand_remove("/x");
        if (tell(y, &(struct order){ RENAME, .path = "/d", .to = "/x" })
                    .outcome == OUTCOME_OK &&
            pick(2))
            tell_path(y, MAKE, "/d");
        break;
    default:
        if (tell_path(y, REMOVE, "/d").outcome == OUTCOME_OK)
            tell_path(y, MAKE, "/d");
        break;
    }
}

static void by_hand(void)
{
    hand_make("/d");
    switch (pick(9)) {
    case 0:
        hand_remove("/x");
        disk_rename(&peers[0], "/d", "/x");
        hand_make("/d");
        break;
    case 1:
        hand_remove("/e");
        disk_copy(&peers[0], "/d", "/e");
        break;
    case 2:
        hand_remove("/b");
        disk_copy(&peers[0], "/d", "/b");
        break;
    case 3:
        hand_make("/b");
        hand_remove("/d");
        disk_copy(&peers[0], "/b", "/d");
        break;
    case 4:
        hand_link("d");
        break;
    case 5: /* a collector, or a program that replaces the file */
        hand_make("/b");
        if (disk_has(&peers[0], "/d/f"))
            disk_rename(&peers[0], "/d/f", "/b/f");
        break;
    case 6:
        disk_fill(&peers[0], "/n", LEN, new_seed());
        disk_rename(&peers[0], "/n", "/d/f");
        hand_time("/d/f");
        break;
    case 7:
        hand_remove("/e");
        hand_copy_by_links("/d", "/e");
        break;
    default:
        hand_link("e");
        break;
    }
    hand_make("/e");
}

static void play(void)
{
    chance = number;
    for (int i = 0; i < 2; i++)
        cut(&players[i]), memset(players[i].told, 0, sizeof(players[i].told));
    hand_remove("/d");
    hand_remove("/e");
    hand_remove("/x");
    hand_remove("/b");
    hand_make("/d");
    hand_make("/e");
    hand_link("d");
    for (int i = 0; i < 2; i++)
        reconnect(&players[i], false);
    spoiled = false;
    for (at_step = 0; at_step < STEPS && !spoiled; at_step++)
        if (pick(5) == 0) {
            by_hand();
        } else {
            struct player *y = &players[pick(2)];

            others_turn = y->far >= 0;
            by_client(y);
        }
}

/* Runs the other program, with a peer in the home of the first one. */
static pid_t far_begin(struct player *y, const char *program)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    char *const words[] = { (char *)(uintptr_t)program, "--filter",
                            "partial_model/two_sessions_and_a_directory",
                            NULL };
    pid_t pid;

    snprintf(at.sun_path, sizeof(at.sun_path), "%s/player", y->p->base);
    cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0, "%m");
    cr_assert_eq(listen(listener, 1), 0);
    pid = fork();
    if (pid == 0) {
        char place[96], *environment[] = { place, NULL }; /* not Criterion's */

        snprintf(place, sizeof(place), "SALLYPORT_PLAYER=%s", y->p->base);
        execve(program, words, environment);
        _exit(127);
    }
    cr_assert_eq(
        poll(&(struct pollfd){ .fd = listener, .events = POLLIN }, 1, PEER_MS),
        1, "%s doesn't play", program);
    y->far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(y->far, 0);
    close(listener);
    return pid;
}

/* Plays for the program that has executed this one. */
static void far_play(const char *base)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = -1, far = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct order o;

    snprintf(at.sun_path, sizeof(at.sun_path), "%s/player", base);
    cr_assert_eq(connect(far, (struct sockaddr *)&at, sizeof(at)), 0);
    peer_init(&peers[0]);
    alarm(3600);
    clock_jumps = 3000;
    snprintf(peers[1].homes, sizeof(peers[1].homes), "%s/homes", base);
    snprintf(peers[1].home, sizeof(peers[1].home), "%s/homes/anna", base);
    peers[0].start.homes = peers[1].homes;
    peers[0].start.home = peers[1].home;
    peer_run(&peers[0]);
    while (recv(far, &o, sizeof(o), 0) == (ssize_t)sizeof(o)) {
        const struct done done = obey(&peers[0], &fd, &o);

        cr_assert_eq(send(far, &done, sizeof(done), MSG_NOSIGNAL),
                     (ssize_t)sizeof(done));
    }
    fd_close(&fd);
    peer_stop(&peers[0]);
}

Test(partial_model, two_sessions_and_a_directory)
{
    const char *one = getenv("SALLYPORT_SEED");
    const char *other = getenv("SALLYPORT_OTHER");
    const unsigned first = one ? (unsigned)strtoul(one, NULL, 10) : 1,
                   last = one            ? first
                          : is_long()    ? 2000
                          : IS_SANITIZED ? 30
                                         : 100;
    unsigned ended = 0;
    pid_t pid = 0;
    int status;

    if (getenv("SALLYPORT_PLAYER")) {
        far_play(getenv("SALLYPORT_PLAYER"));
        return;
    }
    peer_init(&peers[0]);
    alarm(3600);
    clock_jumps = 3000; /* so nobody waits for the other session long */
    peer_run(&peers[0]);
    for (int i = 0; i < 2; i++)
        players[i] = (struct player){ .p = &peers[i], .far = -1, .fd = -1 };
    if (other) {
        players[1].p = &peers[0];
        pid = far_begin(&players[1], other);
    } else {
        peer_join(&peers[1], &peers[0], false);
    }
    for (number = first; number <= last; number++) {
        play();
        ended += spoiled;
    }
    cr_log_info("%u sequences ended by a fault of the other build", ended);
    for (int i = 0; i < 2; i++)
        cut(&players[i]);
    if (other) {
        close(players[1].far);
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect_eq(status, 0);
    } else {
        peer_leave(&peers[1]);
    }
    peer_stop(&peers[0]);
}

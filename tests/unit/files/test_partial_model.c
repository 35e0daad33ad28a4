/* Two sessions of one user, and a hand on the disk, do random steps around one
 * file name in directories that are renamed, removed, copied, restored and
 * linked anew. Each client believes what SIZE has told it in its session, and
 * sends the rest of just that upload. Then each visible file is one upload,
 * whole; a file that is acknowledged has its name; and whoever is refused for
 * now succeeds after the other session's upload has ended and SIZE was sent.
 * SALLYPORT_SEED=NUMBER plays one sequence again. */
#include "peer.h"
#include "support/long.h"
#include "support/run.h"
#include "syncs.h"

#define K     1024u
#define LEN   (200 * K)
#define STEPS 40

/* The directories; "/l" is a link to "/d" or "/e", "/x" was moved away,
 * and "/b" is a backup. */
static const char *const paths[] = { "/d/f", "/e/f", "/l/f" };
#define PATHS (sizeof(paths) / sizeof(paths[0]))

/* The client's knowledge: SIZE has told it LENGTH of the upload SEED. */
struct told {
    size_t length;
    unsigned seed;
};

struct player {
    struct peer *p;
    struct told told[PATHS];
    int fd;      /* of the open upload; -1: none */
    bool rests;  /* no byte comes: the upload is open, and FD isn't */
    size_t from; /* where it began */
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

#define HOLDS(condition, ...) HOLDS_(condition, __VA_ARGS__, "")
#define HOLDS_(condition, text, ...)                                           \
    cr_assert(condition, "sequence %u, step %u: " text "%s", number, at_step,  \
              __VA_ARGS__)

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

static void hand(const char *program, const char *option, const char *from,
                 const char *to)
{
    struct run_result r;
    char a[256], b[256];

    snprintf(a, sizeof(a), "%s", disk_path(&peers[0], from));
    snprintf(b, sizeof(b), "%s", disk_path(&peers[0], to));
    run(&r, NULL, program, option, a, b, NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    run_release(&r);
}

static void hand_remove(const char *path)
{
    hand("/bin/rm", "-rf", path, path);
}

static void hand_make(const char *path)
{
    if (!disk_has(&peers[0], path))
        disk_directory(&peers[0], path);
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
        if (is_there(all[i]))
            HOLDS(disk_is(&peers[0], all[i], LEN, seed_of(all[i])),
                  "%s is a tail or a mix of uploads", all[i]);
}

static unsigned new_seed(void)
{
    next_seed = next_seed % 250 + 1;
    return next_seed;
}

static void size(struct player *y, int path)
{
    char partial[128];
    uint64_t length = ask_size(y->p, paths[path]);

    snprintf(partial, sizeof(partial), "%.3s%s", paths[path],
             disk_partial_name(y->p, "f"));
    y->told[path] = (struct told){ 0 };
    if (length > 0 && !is_there(paths[path]))
        y->told[path] = (struct told){ length, seed_of(partial) };
}

/* Begins an upload of the client's bytes from FROM on. */
static int begin(struct player *y, int path, enum write_mode mode, size_t from,
                 unsigned seed)
{
    size_t to = from + pick(LEN - (unsigned)from + 1);
    int r = ask_write(y->p, paths[path], mode, mode == WRITE_STORE ? from : 0,
                      0, &y->fd);

    if (r != OUTCOME_OK)
        return r;
    HOLDS(y->p->first == from, "begins at %llu, the client at %zu",
          (unsigned long long)y->p->first, from);
    put_pattern(y->fd, from, to, seed);
    y->from = from;
    y->seed = seed;
    y->path = path;
    return r;
}

static bool is_open(const struct player *y)
{
    return y->fd >= 0 || y->rests;
}

static void cut(struct player *y)
{
    if (!is_open(y))
        return;
    fd_close(&y->fd);
    y->rests = false;
    DONE(ask_abort(y->p));
}

static void rest(struct player *y)
{
    fd_close(&y->fd);
    DONE(ASK(y->p, file_rest));
    y->rests = true;
}

/* If another session has used the partial, the upload ends as by a cut. */
static bool go_on(struct player *y)
{
    const int r = y->rests ? ASK(y->p, file_go_on) : OUTCOME_OK;

    HOLDS(r == OUTCOME_OK || r == OUTCOME_PARTIAL_TAKEN, "outcome %d", r);
    if (r != OUTCOME_OK)
        cut(y);
    else if (y->rests)
        y->fd = fd_take(&heard.file_again.file);
    y->rests = false;
    return r == OUTCOME_OK;
}

static void commit(struct player *y)
{
    if (!go_on(y))
        return;
    put_pattern(y->fd, y->from, LEN, y->seed);
    fd_close(&y->fd);
    if (ask_commit(y->p, LEN) == OUTCOME_OK)
        HOLDS(disk_is(y->p, y->p->stored, LEN, y->seed),
              "%s isn't the acknowledged file", y->p->stored);
    look();
    y->told[y->path] = (struct told){ 0 };
}

/* The upload was refused for now. Its cause ends: the same again must succeed
 * if the partial has only grown; and in any case after SIZE. */
static void persist(struct player *y, int path, enum write_mode mode, int why)
{
    struct player *other = &players[y == players];
    const struct told t = y->told[path];
    const bool grew = why == OUTCOME_BUSY && is_open(other) &&
                      other->from >= t.length && other->seed == t.seed;
    int r = why;

    cut(other);
    if (grew && mode == WRITE_STORE)
        HOLDS((r = begin(y, path, mode, t.length, t.seed)) == OUTCOME_OK,
              "outcome %d after \"busy\"", r);
    if (r == OUTCOME_OK)
        return;
    size(y, path);
    if (y->told[path].length == 0 && is_there(paths[path]))
        return;
    r = y->told[path].length > 0
            ? begin(y, path, mode, y->told[path].length, y->told[path].seed)
            : begin(y, path, WRITE_APPEND, 0, new_seed());
    HOLDS(r != OUTCOME_BUSY && r != OUTCOME_SIZE_FIRST,
          "outcome %d, although SIZE was sent", r);
}

static void upload(struct player *y, int path, enum write_mode mode)
{
    const struct told t = y->told[path];
    int r;

    if (t.length == 0 && (mode == WRITE_APPEND && is_there(paths[path])))
        return; /* it would append to the file, as it should */
    r = begin(y, path, mode, t.length, t.length > 0 ? t.seed : new_seed());
    if (r == OUTCOME_BUSY || r == OUTCOME_SIZE_FIRST)
        persist(y, path, mode, r);
}

static void reconnect(struct player *y)
{
    fd_close(&y->fd);
    y->rests = false;
    peer_again(y->p);
    memset(y->told, 0, sizeof(y->told));
}

static void by_client(struct player *y)
{
    const int path = (int)pick(PATHS);

    switch (pick(is_open(y) ? 4 : 12)) {
    case 0:
        reconnect(y);
        break;
    case 1:
    case 2:
    case 3:
        if (!is_open(y))
            size(y, path);
        else if (pick(2))
            commit(y);
        else if (y->fd >= 0 && pick(2))
            rest(y);
        else
            cut(y);
        break;
    case 4:
        y->told[path] = (struct told){ 0 };
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
        if (ask_path(y->p, MSG_file_delete, paths[path]) == OUTCOME_OK)
            y->told[path] = (struct told){ 0 };
        break;
    case 10:
        hand_remove("/x");
        if (ask_rename(y->p, "/d", "/x") == OUTCOME_OK && pick(2))
            ask_path(y->p, MSG_directory_make, "/d");
        break;
    default:
        if (ask_path(y->p, MSG_directory_remove, "/d") == OUTCOME_OK)
            ask_path(y->p, MSG_directory_make, "/d");
        break;
    }
}

static void by_hand(void)
{
    hand_make("/d");
    switch (pick(6)) {
    case 0:
        hand_remove("/x");
        disk_rename(&peers[0], "/d", "/x");
        hand_make("/d");
        break;
    case 1:
        hand_remove("/e");
        hand("/bin/cp", "-a", "/d", "/e");
        break;
    case 2:
        hand_remove("/b");
        hand("/bin/cp", "-a", "/d", "/b");
        break;
    case 3:
        hand_make("/b");
        hand_remove("/d");
        hand("/bin/cp", "-a", "/b", "/d");
        break;
    case 4:
        hand_link("d");
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
        reconnect(&players[i]);
    for (at_step = 0; at_step < STEPS; at_step++)
        if (pick(5) == 0)
            by_hand();
        else
            by_client(&players[pick(2)]);
}

Test(partial_model, two_sessions_and_a_directory)
{
    const char *one = getenv("SALLYPORT_SEED");
    const unsigned first = one ? (unsigned)strtoul(one, NULL, 10) : 1,
                   last = one         ? first
                          : is_long() ? 2000
                                      : 100;

    peer_init(&peers[0]);
    clock_jumps = 3000; /* so nobody waits for the other session long */
    peer_run(&peers[0]);
    peer_join(&peers[1], &peers[0], false);
    for (int i = 0; i < 2; i++)
        players[i] = (struct player){ .p = &peers[i], .fd = -1 };
    for (number = first; number <= last; number++)
        play();
    for (int i = 0; i < 2; i++)
        cut(&players[i]);
    peer_leave(&peers[1]);
    peer_stop(&peers[0]);
}

/* Runs each command against each server with each limit. No file is lost on
 * either side, the client calls only whole files complete, and its exit status
 * is right. */
#include "peer.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/long.h"
#include "support/test.h"

#define BIG_BYTES 1200000

/* FILES: number of files in the tree. DOWN: exit status of get -r and of sync
 * from the server. UP: exit status of sync to the server. The short
 * run tries a limit with one peer, the long run with all peers. */
struct limit {
    char name[16];
    int files, down, up;
    int peer;  /* in the short run */
    bool only; /* no other peer has this limit */
};

static const struct limit limits[] = {
    { "no_mlsd", 6, 0, 0, 1, false }, { "no_mfmt", 6, 0, 0, 2, false },
    { "no_hash", 6, 0, 0, 3, false }, { "one_425", 6, 0, 0, 0, false },
    { "idle", 6, 0, 0, 2, false },    { "away", 6, 0, 0, 3, false },
    { "dash_a", 6, 0, 0, 0, false },  { "cut", 160, EX_PROTOCOL, 0, 2, true },
};
#define LIMITS (sizeof(limits) / sizeof(limits[0]))

/* A pair of a peer and a limit, with its desk. */
struct place {
    const struct peer *peer;
    const struct limit *limit;
    struct desk desk;
    char home[SERVER_PATH_MAX + 32]; /* the directory that the server serves */
};

static const char *there(const struct place *p, const char *name)
{
    static char path[2 * SERVER_PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", p->home, name);
    return path;
}

/* Runs the client with these words, and expects STATUS. */
#define SAYS(p, status, verb, ...)                                             \
    desk_says(&(p)->desk, status, NULL, verb, "--timeout=20", __VA_ARGS__, NULL)

static void make_tree(const struct place *p)
{
    char name[64];

    files_make_folder("tree", 0755);
    files_make_folder("tree/sub", 0755);
    files_make_folder("tree/empty", 0755);
    for (int i = 0; i < p->limit->files; i++) {
        snprintf(name, sizeof(name), "tree/%s%d", i % 3 ? "" : "sub/", i);
        files_write(name, name, strlen(name), 0644);
    }
    desk_noise("tree/big", BIG_BYTES);
}

/* Transfers a file and a tree, in both directions. */
static void transfer(const struct place *p)
{
    SAYS(p, 0, "put", "tree/big", "/one");
    desk_same("tree/big", there(p, "one"));
    SAYS(p, 0, "get", "/one", "one");
    desk_same("tree/big", "one");
    SAYS(p, 0, "put", "-r", "tree", "/");
    desk_same("tree", there(p, "tree"));
    SAYS(p, p->limit->down, "get", "-r", "/tree", "copy");
    if (p->limit->down == 0)
        desk_same("tree", "copy");
}

/* Adds a local file; sync must do the same on the server. */
static void sync_up(const struct place *p)
{
    files_write("tree/new", "new", 3, 0644);
    SAYS(p, p->limit->up, "sync", "tree", "/tree");
    desk_same("tree", there(p, "tree"));
    SAYS(p, p->limit->up, "sync", "tree", "/tree");
    desk_same("tree", there(p, "tree"));
}

/* sync must bring what is missing here, and remove nothing. */
static void sync_down(const struct place *p)
{
    struct run_result r;

    run(&r, NULL, "/bin/cp", "-a", "tree", "mirror", NULL);
    run_release(&r);
    files_write("mirror/surplus", "mine", 4, 0644);
    cr_assert_eq(unlink("mirror/new"), 0);
    SAYS(p, p->limit->down, "sync", "/tree", "mirror");
    cr_expect(files_exists("mirror/surplus"), "%s, %s", p->peer->name,
              p->limit->name);
    unlink("mirror/surplus");
    if (p->limit->down == 0)
        desk_same(there(p, "tree"), "mirror");
}

/* While the server says that all its files are missing, the client must change
 * no local file. */
static void work_while_away(const struct place *p)
{
    struct run_result r;

    run(&r, NULL, "/bin/cp", "-a", "tree", "before", NULL);
    run_release(&r);
    files_write("away", "", 0, 0644);
    SAYS(p, EX_NOINPUT, "sync", "/tree", "tree");
    SAYS(p, EX_NOINPUT, "sync", "tree", "/tree");
    SAYS(p, EX_NOINPUT, "get", "-r", "/tree", "tree");
    SAYS(p, EX_NOINPUT, "get", "/one", "lost");
    SAYS(p, EX_NOINPUT, "put", "tree/big", "/two");
    unlink("away");
    cr_expect_not(files_exists("lost"));
    desk_same("tree", "before");
    desk_same("tree", there(p, "tree"));
}

struct pair {
    int peer, limit;
};

ParameterizedTestParameters(matrix, pairs)
{
    static struct pair pairs[PEERS * LIMITS];
    size_t n = 0;

    for (int l = 0; l < (int)LIMITS; l++)
        for (int p = 0; p < PEERS; p++)
            if (limits[l].peer == p || (is_long() && !limits[l].only))
                pairs[n++] = (struct pair){ p, l };
    return cr_make_param_array(struct pair, pairs, n);
}

ParameterizedTest(struct pair *pair, matrix, pairs, .timeout = 200)
{
    struct place p = { .peer = &peers[pair->peer],
                       .limit = &limits[pair->limit] };

    fail_context("%s, %s: ", p.peer->name, p.limit->name);
    desk_begin_alone(&p.desk);
    pid_t pid = peer_start(p.peer, &p.desk, p.limit->name);
    snprintf(p.home, sizeof(p.home), "%s/home%s", p.desk.dir, p.peer->dir);
    make_tree(&p);
    transfer(&p);
    if (strcmp(p.limit->name, "away") == 0)
        work_while_away(&p);
    sync_up(&p);
    sync_down(&p);
    peer_stop(pid);
    desk_end(&p.desk);
}

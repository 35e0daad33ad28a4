/* See soak.h. Each session is a process of its own, so that a cut connection
 * ends one session and not the client. */
#include "soak.h"

#include "fault.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/session.h"
#include "support/test.h"
#include "support/wait.h"

#define STEPS_MAX 8 /* of a session */
#define FAULT     2 /* exit status: a fault that no disturbance explains */
/* A client can wait so long until the server is back. */
#define CLIENT_MS (6 * WAIT_MS)

const struct server_user soak_users[SOAK_CLIENTS] = {
    { .name = "anna" }, { .name = "bert" }, { .name = "carl" },
    { .name = "dora" }, { .name = "emil" },
};

struct player {
    const struct soak *soak;
    struct server server; /* with its present port and pid */
    struct soak_client *me;
    const char *user;
    struct session session;
    bool left; /* without QUIT */
};

static const char *const step_names[SOAK_STEPS] = {
    [SOAK_STORE] = "STOR",          [SOAK_APPEND] = "APPE",
    [SOAK_RESUME] = "cut, resumed", [SOAK_FETCH] = "RETR",
    [SOAK_LIST] = "MLSD",           [SOAK_REMOVE] = "DELE",
    [SOAK_RENAME] = "RNTO",         [SOAK_RESET] = "reset",
    [SOAK_LEAVE] = "left early",
};

#define WRONG(p, ...)                                                          \
    do {                                                                       \
        fprintf(stderr, "%s: ", (p)->user);                                    \
        fprintf(stderr, __VA_ARGS__);                                          \
        fputc('\n', stderr);                                                   \
        _exit(FAULT);                                                          \
    } while (0)

/* Returns a number below LIMIT. */
static size_t choose(struct soak_client *c, size_t limit)
{
    c->random ^= c->random >> 12;
    c->random ^= c->random << 25;
    c->random ^= c->random >> 27;
    return (size_t)((c->random * 0x2545f4914f6cdd1dU) >> 33) % limit;
}

/* Most files are small. */
static size_t choose_length(struct soak_client *c)
{
    size_t kind = choose(c, 20);

    if (kind < 12)
        return choose(c, 16u << 10);
    return choose(c, kind < 19 ? 200u << 10 : SOAK_MAX);
}

static const char *name_of(unsigned at)
{
    static char name[2][8];
    static unsigned turn;

    turn = !turn;
    snprintf(name[turn], sizeof(name[turn]), "f%u", at);
    return name[turn];
}

static bool holds(const struct player *p, unsigned at,
                  const struct soak_file *f)
{
    const char *name = name_of(at);

    if (!f->exists)
        return !files_exists(server_home_file(&p->server, p->user, name));
    return fault_is_whole(&p->server, p->user, name, f->bytes, f->len);
}

static unsigned count_visible(const struct player *p)
{
    DIR *d = opendir(server_home(&p->server, p->user));
    struct dirent *e;
    unsigned n = 0;

    FAIL_IF(!d, "no home");
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* Expects each file as it was confirmed, and no other visible file. */
static void expect_files(const struct player *p, const char *when)
{
    unsigned visible = count_visible(p);

    for (unsigned i = 0; i < SOAK_NAMES; i++)
        visible -= p->me->file[i].exists;
    if (visible != 0)
        WRONG(p, "%s: %d other files are visible", when, (int)visible);
    for (unsigned i = 0; i < SOAK_NAMES; i++)
        if (!holds(p, i, &p->me->file[i]))
            WRONG(p, "%s: %s isn't what was confirmed (%s, %zu bytes)", when,
                  name_of(i), p->me->file[i].exists ? "a file" : "nothing",
                  p->me->file[i].len);
}

/* Call after a reply that confirms the change. The disk must have it. */
static void confirm(struct player *p)
{
    struct soak_client *c = p->me;

    if (c->change == SOAK_REPLACED) {
        c->file[c->at] = c->next;
        c->stored++;
    }
    if (c->change == SOAK_RENAMED)
        c->file[c->to] = c->file[c->at];
    if (c->change == SOAK_RENAMED || c->change == SOAK_REMOVED)
        c->file[c->at].exists = false;
    c->change = SOAK_NOTHING;
    if (!holds(p, c->at, &c->file[c->at]) || !holds(p, c->to, &c->file[c->to]))
        WRONG(p, "%s was confirmed, and isn't there", name_of(c->at));
}

/* Call after a session. If it was cut in the middle of a change, finds out
 * whether the change was done. */
static void settle(struct player *p)
{
    struct soak_client *c = p->me;

    if (c->change == SOAK_NOTHING || holds(p, c->at, &c->file[c->at]))
        c->change = SOAK_NOTHING; /* nothing has happened */
    else
        confirm(p);
}

static void prepare_next(struct player *p, unsigned at, const void *head,
                         size_t head_len, size_t len)
{
    struct soak_client *c = p->me;
    size_t from = choose(c, SOAK_MAX);

    if (len > SOAK_MAX - head_len)
        len = SOAK_MAX - head_len;
    memcpy(c->next.bytes, head, head_len);
    memcpy(c->next.bytes + head_len, p->soak->noise + from, len);
    c->next.len = head_len + len;
    c->next.exists = true;
    c->at = c->to = at;
}

static void store_next(struct player *p, const char *verb, size_t from)
{
    struct soak_client *c = p->me;

    c->change = SOAK_REPLACED;
    session_store(&p->session, verb, name_of(c->at), c->next.bytes + from,
                  c->next.len - from);
    confirm(p);
}

static void step_store(struct player *p, unsigned at)
{
    prepare_next(p, at, "", 0, choose_length(p->me));
    store_next(p, "STOR", 0);
}

static void step_append(struct player *p, unsigned at)
{
    const struct soak_file *old = &p->me->file[at];

    if (!old->exists) {
        step_store(p, at);
        return;
    }
    prepare_next(p, at, old->bytes, old->len, choose(p->me, 8u << 10));
    store_next(p, "APPE", old->len);
}

/* Begins an upload of the next content, and sends a part of it. */
static void begin_part(struct player *p, struct data *d)
{
    struct soak_client *c = p->me;

    data_open(&p->session, d, "STOR %s", name_of(c->at));
    fault_write(d, c->next.bytes, choose(c, c->next.len));
}

static void remove_file(struct player *p, unsigned at)
{
    if (!p->me->file[at].exists)
        return;
    p->me->at = p->me->to = at;
    p->me->change = SOAK_REMOVED;
    session_do(&p->session, "250 {*}", "DELE %s", name_of(at));
    confirm(p);
}

static void step_resume(struct player *p, unsigned at)
{
    bool by_rest = choose(p->me, 2);
    size_t size = 0;
    struct data d;

    step_store(p, at); /* leave no part of an earlier upload */
    remove_file(p, at);
    prepare_next(p, at, "", 0, 1 + choose_length(p->me));
    begin_part(p, &d);
    data_cut(&d, true);
    session_expect(&p->session, "426 {*}");
    session_send(&p->session, "SIZE %s", name_of(at));
    if (session_reply(&p->session) == 213)
        size = strtoul(p->session.reply.data + 4, NULL, 10);
    if (size > p->me->next.len)
        WRONG(p, "SIZE of a part is %zu of %zu", size, p->me->next.len);
    if (by_rest && size > 0)
        session_do(&p->session, "350 {*}", "REST %zu", size);
    store_next(p, by_rest || size == 0 ? "STOR" : "APPE", size);
}

static void step_fetch(struct player *p, unsigned at)
{
    const struct soak_file *f = &p->me->file[at];
    size_t from = choose(p->me, 3) == 0 ? choose(p->me, f->len + 1) : 0;
    struct buf got;
    char line[32];

    if (!f->exists) {
        session_do(&p->session, "550 {*}", "MDTM %s", name_of(at));
        return;
    }
    if (from > 0)
        session_do(&p->session, "350 {*}", "REST %zu", from);
    buf_init(&got, SOAK_MAX + (1u << 19));
    snprintf(line, sizeof(line), "RETR %s", name_of(at));
    session_fetch(&p->session, line, &got);
    if (got.len != f->len - from ||
        (got.len > 0 && memcmp(got.data, f->bytes + from, got.len) != 0))
        WRONG(p, "RETR %s from %zu gave %zu bytes of %zu, or others",
              name_of(at), from, got.len, f->len);
    buf_release(&got);
}

static void step_list(struct player *p, unsigned at)
{
    char line[64];
    struct buf got;

    (void)at;
    buf_init(&got, 1u << 20);
    session_fetch(&p->session, "MLSD", &got);
    if (buf_add_text(&got, "") < 0)
        WRONG(p, "a long listing");
    for (unsigned i = 0; i < SOAK_NAMES; i++) {
        const struct soak_file *f = &p->me->file[i];
        const char *found;

        snprintf(line, sizeof(line), " %s\r\n", name_of(i));
        found = memmem(got.data, got.len, line, strlen(line));
        if (!!found != f->exists)
            WRONG(p, "MLSD has %s%s", f->exists ? "no " : "", name_of(i));
        snprintf(line, sizeof(line), "size=%zu;", f->len);
        if (f->exists && !memmem(got.data, got.len, line, strlen(line)))
            WRONG(p, "MLSD: no %s, of %s", line, name_of(i));
    }
    buf_release(&got);
}

static void step_remove(struct player *p, unsigned at)
{
    remove_file(p, at);
}

static void step_rename(struct player *p, unsigned at)
{
    struct soak_client *c = p->me;

    if (!c->file[at].exists)
        return;
    c->at = at;
    c->to = (at + 1) % SOAK_NAMES;
    session_do(&p->session, "350 {*}", "RNFR %s", name_of(c->at));
    c->change = SOAK_RENAMED;
    session_do(&p->session, "250 {*}", "RNTO %s", name_of(c->to));
    confirm(p);
}

/* The client sends a part of a file, resets the connection and leaves. The old
 * file must stay. */
static void step_reset(struct player *p, unsigned at)
{
    struct data d;

    prepare_next(p, at, "", 0, 1 + choose_length(p->me));
    begin_part(p, &d);
    data_cut(&d, true);
    session_drop(&p->session);
    p->left = true;
}

static void step_leave(struct player *p, unsigned at)
{
    struct data d;

    prepare_next(p, at, "", 0, 1 + choose_length(p->me));
    session_do(&p->session, "200 {*}", "ALLO %zu", p->me->next.len);
    begin_part(p, &d);
    tls_client_shutdown(d.tls);
    data_cut(&d, false);
    session_drop(&p->session);
    p->left = true;
}

static void (*const steps[SOAK_STEPS])(struct player *p, unsigned at) = {
    [SOAK_STORE] = step_store,   [SOAK_APPEND] = step_append,
    [SOAK_RESUME] = step_resume, [SOAK_FETCH] = step_fetch,
    [SOAK_LIST] = step_list,     [SOAK_REMOVE] = step_remove,
    [SOAK_RENAME] = step_rename, [SOAK_RESET] = step_reset,
    [SOAK_LEAVE] = step_leave,
};

/* The sum of the weights is 64. */
static const unsigned weights[SOAK_STEPS] = {
    [SOAK_STORE] = 24, [SOAK_APPEND] = 6, [SOAK_RESUME] = 6,
    [SOAK_FETCH] = 14, [SOAK_LIST] = 4,   [SOAK_REMOVE] = 3,
    [SOAK_RENAME] = 3, [SOAK_RESET] = 2,  [SOAK_LEAVE] = 2,
};

static enum soak_step choose_step(struct soak_client *c)
{
    size_t n = choose(c, 64);
    enum soak_step step = 0;

    while (n >= weights[step])
        n -= weights[step++];
    return step;
}

static _Noreturn void play_session(struct player *p)
{
    size_t count = 1 + choose(p->me, STEPS_MAX);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    session_enter(&p->session, &p->server, p->user);
    while (count-- > 0 && !p->left) {
        enum soak_step step = choose_step(p->me);

        fail_context("%s, %s: ", p->user, step_names[step]);
        steps[step](p, (unsigned)choose(p->me, SOAK_NAMES));
        p->me->transfers[step]++;
    }
    if (!p->left)
        session_close(&p->session);
    _exit(0);
}

/* Returns true if the session has ended in order; false if it was cut while the
 * server was disturbed. Any other failure ends the client. */
static bool judge(const struct player *p, int status, unsigned disturbed,
                  FILE *said)
{
    const struct soak_score *score = p->soak->score;
    char line[512];

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFEXITED(status) && WEXITSTATUS(status) != FAULT &&
        (disturbed % 2 == 1 || score->disturbed != disturbed))
        return false;
    rewind(said);
    while (fgets(line, sizeof(line), said))
        printf("%s", line);
    fflush(stdout);
    _exit(FAULT);
}

/* Plays one session. Compares all files when no process of the server serves
 * the user any more. */
static void play(struct player *p, FILE *said)
{
    unsigned disturbed = p->soak->score->disturbed;
    struct soak_client *c = p->me;
    int status = 0;
    bool ended;
    pid_t pid;

    FAIL_IF(ftruncate(fileno(said), 0), "ftruncate: %s", strerror(errno));
    p->server.port = p->soak->score->port;
    p->server.pid = p->soak->score->server;
    pid = fork();
    FAIL_IF(pid < 0, "fork: %s", strerror(errno));
    if (pid == 0) {
        dup2(fileno(said), STDERR_FILENO);
        play_session(p);
    }
    FAIL_IF(!wait_exit(pid, &status, CLIENT_MS), "a session hangs");
    ended = judge(p, status, disturbed, said);
    c->sessions++;
    c->cut += !ended;
    fault_wait_gone(&p->server, p->user);
    settle(p);
    expect_files(p, "after a session");
}

static _Noreturn void client_run(const struct soak *s, unsigned number)
{
    struct player p = { .soak = s,
                        .server = *s->server,
                        .me = &s->score->client[number],
                        .user = soak_users[number].name };
    FILE *said = tmpfile();

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fail_in_child();
    FAIL_IF(!said, "tmpfile: %s", strerror(errno));
    while (!s->score->stop) {
        p.me->rests = s->score->pause;
        if (p.me->rests)
            poll(NULL, 0, 10);
        else
            play(&p, said);
    }
    _exit(0);
}

void soak_start(struct soak *s, const struct server *server, uint64_t seed)
{
    *s = (struct soak){ .server = server,
                        .score = mmap(NULL, sizeof(*s->score),
                                      PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0),
                        .noise = fault_noise(2 * SOAK_MAX) };
    FAIL_IF(s->score == MAP_FAILED, "mmap: %s", strerror(errno));
    soak_calm(s);
    s->score->disturbed = 0;
    for (unsigned i = 0; i < SOAK_CLIENTS; i++) {
        s->score->client[i].random = (seed + i) * 0x9e3779b97f4a7c15U + 1;
        s->pid[i] = fork();
        FAIL_IF(s->pid[i] < 0, "fork: %s", strerror(errno));
        if (s->pid[i] == 0)
            client_run(s, i);
    }
}

void soak_check(const struct soak *s)
{
    int status;

    for (unsigned i = 0; i < SOAK_CLIENTS; i++)
        FAIL_IF(waitpid(s->pid[i], &status, WNOHANG) != 0,
                "the client %s has ended, see above", soak_users[i].name);
}

static uint64_t count_steps(const struct soak *s, enum soak_step step)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < SOAK_CLIENTS; i++)
        sum += s->score->client[i].transfers[step];
    return sum;
}

uint64_t soak_transfers(const struct soak *s)
{
    uint64_t sum = 0;

    for (enum soak_step step = 0; step < SOAK_STEPS; step++)
        if (step != SOAK_REMOVE && step != SOAK_RENAME)
            sum += count_steps(s, step) * (step == SOAK_RESUME ? 3 : 1);
    return sum;
}

uint64_t soak_stored(const struct soak *s)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < SOAK_CLIENTS; i++)
        sum += s->score->client[i].stored;
    return sum;
}

static bool all_rest(void *argument)
{
    const struct soak *s = argument;
    bool rest = true;

    soak_check(s);
    for (unsigned i = 0; i < SOAK_CLIENTS; i++)
        rest = rest && s->score->client[i].rests;
    return rest;
}

void soak_pause(struct soak *s)
{
    s->score->pause = true;
    FAIL_IF(!wait_until(all_rest, s, CLIENT_MS), "a client goes on");
}

void soak_resume(struct soak *s)
{
    s->score->pause = false;
}

void soak_disturb(struct soak *s)
{
    s->score->disturbed++;
}

void soak_calm(struct soak *s)
{
    s->score->port = s->server->port;
    s->score->server = s->server->pid;
    s->score->disturbed++;
}

void soak_stop(struct soak *s)
{
    uint64_t sessions = 0, cut = 0;

    s->score->stop = true;
    for (unsigned i = 0; i < SOAK_CLIENTS; i++) {
        int status = 0;

        FAIL_IF(!wait_exit(s->pid[i], &status, CLIENT_MS) || status != 0,
                "the client %s has failed, see above", soak_users[i].name);
        sessions += s->score->client[i].sessions;
        cut += s->score->client[i].cut;
    }
    printf("soak: %llu transfers in %llu sessions, %llu of them cut by a "
           "kill;",
           (unsigned long long)soak_transfers(s), (unsigned long long)sessions,
           (unsigned long long)cut);
    for (enum soak_step step = 0; step < SOAK_STEPS; step++)
        printf(" %s %llu", step_names[step],
               (unsigned long long)count_steps(s, step));
    printf("\n");
    munmap(s->score, sizeof(*s->score));
    free(s->noise);
}

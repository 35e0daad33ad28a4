/* The data connections of a client. */
#include "client.h"
#include "sallyport/base/fd.h"
#include "support/fail.h"
#include "support/test.h"

#define BLOCK   (64u << 10)
#define STEP_MS 3000

static const char *const stores[] = { "STOR", "STOR", "APPE", "STOU" };
static const char *const fetches[] = { "RETR", "LIST", "MLSD", "NLST" };

void data_cut_slot(struct slot *s, uint64_t how)
{
    const struct linger now = { .l_onoff = 1 };

    if (s->fd < 0)
        return;
    if (how == 0) {
        shutdown(s->fd, SHUT_WR);
        s->stuck = true;
        return;
    }
    if (how == 1)
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    tls_client_free(s->tls);
    fd_close(&s->fd);
    *s = (struct slot){ .fd = -1 };
}

/* Takes the replies that nobody has read. */
static void drop_replies(struct actor *p, struct client *c)
{
    while (client_reply(p, c, 0) > 0)
        continue;
}

static void ask_port(struct actor *p, struct client *c, uint64_t how)
{
    drop_replies(p, c);
    client_line(p, c, how == 1 ? "PASV" : "EPSV");
    client_reply(p, c, STEP_MS);
}

/* Connects to the last port. HOW 3: connects to the port of the other client.
 */
static int data_socket(struct actor *p, struct client *c, uint64_t how)
{
    const struct client *other = &p->client[c == &p->client[0]];
    unsigned port = how == 3 ? other->port : c->port;

    return port ? actor_dial(p, port) : -1;
}

static uint64_t length_of(uint64_t content)
{
    static const uint64_t lengths[] = { 1, 5000, 65536, 70000, 140000, 300000 };

    return lengths[content % (sizeof(lengths) / sizeof(*lengths))];
}

/* Returns the content of a name whose uploads are resumed. These contents are
 * large. */
static uint64_t content_of(uint64_t name)
{
    return 4 + name;
}

static void dial(struct actor *p, struct client *c, struct slot *s,
                 uint64_t how)
{
    data_cut_slot(s, 2);
    s->fd = data_socket(p, c, how);
    s->content = 100 + p->contents++;
    s->len = length_of(s->content);
}

/* Makes the handshake. HOW 1: resumes no TLS session; 2: resumes the other
 * client's TLS session; otherwise resumes the client's own. */
static void secure(struct actor *p, struct client *c, struct slot *s,
                   uint64_t how)
{
    struct client *other = &p->client[c == &p->client[0]];
    const struct client *from = how == 2 ? other : c;
    struct tls_session *show =
        how != 1 && from->tls ? tls_client_session(from->tls) : NULL;
    const struct tls_client_options options = { .version = from->version,
                                                .show = show };

    if (s->fd >= 0 && !s->tls && !s->stuck)
        s->tls = tls_client_new(s->fd, &options);
    tls_session_free(show);
}

static void send_content(struct slot *s, uint64_t len)
{
    static char block[BLOCK];

    while (len > 0 && s->at < s->len && s->fd >= 0 && !s->stuck) {
        size_t n = len < sizeof(block) ? len : sizeof(block);

        if (n > s->len - s->at)
            n = s->len - s->at;
        content_bytes(s->content, s->at, block, n);
        s->stuck = s->tls ? !tls_client_write(s->tls, block, n)
                          : send(s->fd, block, n, MSG_NOSIGNAL) != (ssize_t)n;
        s->at += n;
        len -= n;
    }
}

/* Sends close_notify. From now on the server may take what was sent for a whole
 * upload, whose first byte is FROM. */
static void finish(struct actor *p, struct slot *s, uint64_t from)
{
    if (s->fd < 0 || !s->tls || s->stuck)
        return;
    oracle_add(&p->oracle, s->content, from, s->at);
    tls_client_shutdown(s->tls);
    s->stuck = true;
}

static void receive(struct slot *s, uint64_t most)
{
    static char block[BLOCK];
    long n = 1;

    for (uint64_t got = 0; s->tls && got <= most && n > 0; got += (uint64_t)n)
        n = tls_client_read(s->tls, block, sizeof(block));
}

/* Asks how much of a file the server has; the client continues there. HOW 0:
 * doesn't ask, and begins at 0. */
static void resume_ask(struct actor *p, struct client *c, const struct op *o)
{
    int code;

    c->resume.state = RESUME_NONE;
    c->resume.name = o->much;
    c->resume.offset = 0;
    c->resume.blind = o->how == 0;
    if (o->how > 0) {
        drop_replies(p, c);
        if (c->owed > 0) /* the next reply might be another command's */
            return;
        client_line(p, c, "SIZE %s", fuzz_names[c->resume.name]);
        code = client_reply(p, c, STEP_MS);
        if (code == 213)
            c->resume.offset = strtoull(c->reply + 4, NULL, 10);
        else if (code != 550)
            return;
    }
    if (c->resume.offset >= length_of(content_of(c->resume.name)))
        c->resume.offset = 0;
    c->resume.state = RESUME_ASKED;
}

/* Sends APPE, or REST and STOR. Returns true if the transfer begins. APPE
 * appends to the length that the last SIZE has reported, so only a client that
 * has just asked sends APPE. */
static bool resume_command(struct actor *p, struct client *c, bool append)
{
    if (!append && c->resume.offset > 0) {
        client_line(p, c, "REST %llu", (unsigned long long)c->resume.offset);
        if (client_reply(p, c, STEP_MS) != 350)
            return false;
    }
    client_line(p, c, "%s %s", append ? "APPE" : "STOR",
                fuzz_names[c->resume.name]);
    return client_reply(p, c, STEP_MS) == 150;
}

static void resume_begin(struct actor *p, struct client *c, const struct op *o)
{
    struct client *other = &p->client[c == &p->client[0]];
    struct slot *s = &c->slot[0];

    if (c->resume.state == RESUME_NONE && other->resume.state == RESUME_ASKED)
        c->resume = other->resume; /* as a client with several sessions does */
    if (c->resume.state != RESUME_ASKED)
        return;
    c->resume.state = RESUME_NONE;
    c->port = 0;
    ask_port(p, c, 0);
    if (c->port == 0 || !resume_command(p, c, o->how % 2 && !c->resume.blind))
        return;
    dial(p, c, s, 0);
    secure(p, c, s, 0);
    s->content = content_of(c->resume.name);
    s->len = length_of(content_of(c->resume.name));
    s->at = c->resume.offset;
    if (s->tls)
        c->resume.state = RESUME_BEGUN;
}

static void resume_end(struct actor *p, struct client *c, const struct op *o)
{
    struct slot *s = &c->slot[0];

    if (c->resume.state != RESUME_BEGUN)
        return;
    c->resume.state = RESUME_NONE;
    if (o->how < 2) {
        send_content(s, UINT64_MAX);
        finish(p, s, c->resume.offset);
        receive(s, 0);
    }
    data_cut_slot(s, o->how % 2 ? 2 : 1);
    if (client_reply(p, c, STEP_MS) == 226)
        p->counts->stored++;
}

static void play_store(struct actor *p, struct client *c, uint64_t how,
                       const struct op *o)
{
    client_line(p, c, "%s %s", stores[how % 4],
                fuzz_names[o->much % FUZZ_NAMES]);
}

static void play_fetch(struct actor *p, struct client *c, uint64_t how,
                       const struct op *o)
{
    client_line(p, c, "%s %s", fetches[how % 4],
                how % 4 ? "d" : fuzz_names[o->much % FUZZ_NAMES]);
}

static void play_finish(struct actor *p, struct client *c, struct slot *s,
                        uint64_t how)
{
    if (how == 0)
        send_content(s, UINT64_MAX);
    finish(p, s, 0);
    p->counts->stored += s->at > 0 && client_reply(p, c, STEP_MS) == 226;
}

/* Plays a step of a resumed upload. While such an upload runs, data_play()
 * skips the client's other steps. */
static void resume_play(struct actor *p, struct client *c, const struct op *o)
{
    if (o->kind == OP_RESUME_ASK)
        resume_ask(p, c, o);
    else if (o->kind == OP_RESUME_BEGIN)
        resume_begin(p, c, o);
    else if (o->kind == OP_RESUME_END)
        resume_end(p, c, o);
    else if (c->resume.state == RESUME_BEGUN)
        send_content(&c->slot[0], o->much);
}

static void slot_play(struct actor *p, struct client *c, struct slot *s,
                      const struct op *o)
{
    uint64_t how = o->how & 0xff;

    if (o->kind == OP_DIAL)
        dial(p, c, s, how);
    else if (o->kind == OP_SECURE)
        secure(p, c, s, how);
    else if (o->kind == OP_SEND)
        send_content(s, o->much);
    else if (o->kind == OP_FINISH)
        play_finish(p, c, s, how);
    else if (o->kind == OP_CUT)
        data_cut_slot(s, how % 3);
    else
        receive(s, o->much);
}

void data_play(struct actor *p, struct client *c, const struct op *o)
{
    uint64_t how = o->how & 0xff;

    if (o->kind >= OP_RESUME_ASK)
        resume_play(p, c, o);
    else if (c->resume.state == RESUME_BEGUN)
        return;
    else if (o->kind == OP_PORT)
        ask_port(p, c, how);
    else if (o->kind == OP_STORE)
        play_store(p, c, how, o);
    else if (o->kind == OP_FETCH)
        play_fetch(p, c, how, o);
    else
        slot_play(p, c, &c->slot[o->how >> 8 & 1], o);
}

/* The messages that the actors send and receive. */
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "stage.h"

static const struct address local = { .family = 4,
                                      .bytes = { 192, 0, 2, 1 },
                                      .port = 21 };

void actor_ready(struct actor *a)
{
    SAY(&a->channel, ready);
    a->channel.phase = PHASE_RUN;
    if (a == &stage.auth)
        cr_assert_eq(auth_hears(), MSG_users);
    while (a == &stage.log && stage.events.fd < 0)
        if (EXPECT(&a->channel, speaker)->process == PROCESS_MASTER)
            channel_init(&stage.events, fd_take(&heard.speaker.end),
                         PROCESS_LOG, PROCESS_MASTER, PHASE_RUN);
}

void actor_again(struct actor *a)
{
    char binary[sizeof(a->note.binary)];

    strcpy(binary, a->note.binary);
    channel_close(&a->channel);
    if (a == &stage.log)
        channel_close(&stage.events);
    actor_enter(a, binary);
    actor_ready(a);
}

void actors_enter(void)
{
    actor_enter(&stage.log, "log");
    actor_enter(&stage.keys, "keys");
    actor_enter(&stage.auth, "auth");
}

void actors_ready(void)
{
    actor_ready(&stage.keys);
    actor_enter(&stage.gate, "gate");
    actor_ready(&stage.gate);
    actor_ready(&stage.auth);
    actor_ready(&stage.log);
}

void stage_open(void (*adjust)(struct master *m))
{
    stage_raise(adjust);
    actors_enter();
    actors_ready();
    EXPECT(&stage.gate.channel, open);
}

static struct address own_address(uint64_t serial)
{
    return (struct address){ .family = 4,
                             .bytes = { 10, 0, (uint8_t)(serial >> 8),
                                        (uint8_t)serial },
                             .port = 4711 };
}

static void announce(struct player *p, const struct address *peer)
{
    struct pollfd gate = { .fd = stage.gate.channel.fd, .events = POLLOUT };
    int master[2], log[2], keys[2];

    cr_assert(fd_pair(master) == 0 && fd_pair(log) == 0 && fd_pair(keys) == 0);
    /* Wait for room, since master can be slow. */
    cr_assert_eq(poll(&gate, 1, STAGE_WAIT_MS), 1);
    SAY(&stage.gate.channel, session, .serial = p->serial,
        .pid = (uint64_t)p->pid, .peer = *peer, .local = local,
        .master = master[1], .log = log[1], .keys = keys[1]);
    close(master[1]);
    close(log[1]);
    close(keys[1]);
    p->log = log[0];
    p->keys = keys[0];
    channel_init(&p->channel, master[0], PROCESS_SESSION, PROCESS_MASTER,
                 PHASE_GREETED);
}

void player_enter(struct player *p, uint64_t serial)
{
    const struct address own = own_address(serial);

    player_enter_from(p, serial, &own);
}

void player_enter_from(struct player *p, uint64_t serial,
                       const struct address *peer)
{
    *p = (struct player){ .serial = serial };
    p->pid = stage_bear(&p->rope);
    announce(p, peer);
}

void player_enter_as(struct player *p, uint64_t serial, pid_t pid)
{
    const struct address own = own_address(serial);

    *p = (struct player){ .serial = serial, .pid = pid, .rope = -1 };
    announce(p, &own);
}

void gate_again(void)
{
    actor_again(&stage.gate);
    stage_serves();
}

void player_leave(struct player *p)
{
    channel_close(&p->channel);
    fd_close(&p->log);
    fd_close(&p->keys);
    fd_close(&p->rope);
}

void player_ends(struct player *p, int status)
{
    cr_assert_eq(send(p->rope, &status, sizeof(status), MSG_NOSIGNAL),
                 sizeof(status));
}

void player_waits(struct player *p)
{
    REQUEST(&p->channel, login);
    p->channel.phase = PHASE_VERIFY;
}

void player_asks(struct player *p)
{
    player_waits(p);
    player_sends(p);
    player_is_asked_about(p);
}

void player_sends(struct player *p)
{
    EXPECT(&p->channel, login_channel);
    cr_assert_eq(send(heard.login_channel.auth, "x", 1, MSG_NOSIGNAL), 1);
    message_close(&heard);
}

void player_is_asked_about(const struct player *p)
{
    while (auth_hears() == MSG_users)
        ;
    cr_assert_eq(heard.kind, MSG_verify);
    cr_assert_eq(heard.verify.serial, p->serial);
}

enum message_kind auth_hears(void)
{
    struct complaint c = { "" };

    if (cast_hear(&stage.auth.channel) != MSG_users)
        return heard.kind;
    users_release(&stage.users);
    cr_assert_eq(users_take(&stage.users, heard.users.users, &c), 0, "%s",
                 c.text);
    memcpy(stage.row_key, &heard.users.name_key_1, 8);
    memcpy(stage.row_key + 8, &heard.users.name_key_2, 8);
    return MSG_users;
}

uint64_t auth_version(const char *user)
{
    const struct user *row = users_find(&stage.users, slice_from(user));

    return row ? user_version(row, stage.row_key) : 0;
}

void auth_says(uint64_t serial, const char *user)
{
    SAY(&stage.auth.channel, verdict, .serial = serial,
        .accepted = user != NULL, .user = slice_from(user ? user : ""),
        .version = user ? auth_version(user) : 0, .name = 77);
}

void gate_hears(enum message_kind kind, uint64_t serial)
{
    do
        cast_expect(&stage.gate.channel, kind);
    while (kind == MSG_reaped && heard.reaped.serial != serial);
    /* Each message to gate about a session begins with the serial. */
    cr_assert_eq(heard.logged_in.serial, serial);
    message_close(&heard);
}

void player_logs_in(struct player *p, struct actor *files)
{
    player_asks(p);
    auth_says(p->serial, "anna");
    actor_enter(files, "files");
    player_is_let_in(p, files);
    gate_hears(MSG_logged_in, p->serial);
}

void players_end(uint64_t first, size_t n)
{
    struct player *p = calloc(n, sizeof(*p));
    int rope;
    const pid_t pid = stage_bear(&rope);

    cr_assert_not_null(p);
    for (size_t i = 0; i < n; i++)
        player_enter_as(&p[i], first + i, pid);
    close(rope);
    for (size_t i = 0; i < n; i++) {
        cast_skip_to_end(&p[i].channel);
        player_leave(&p[i]);
    }
    free(p);
}

void player_is_let_in(struct player *p, struct actor *files)
{
    SAY(&files->channel, ready);
    files->channel.phase = PHASE_RUN;
    EXPECT(&p->channel, granted);
    cr_assert(slice_equal(heard.granted.name, slice_from(files->note.name)));
    cr_assert_eq(heard.granted.rights, files->note.rights);
    p->version = heard.granted.version;
    message_close(&heard);
    p->channel.phase = PHASE_USER;
}

void player_is_denied(struct player *p, enum denial why)
{
    static const unsigned right = 1U << DENIAL_TOO_MANY | 1U << DENIAL_TEAM |
                                  1U << DENIAL_HOME | 1U << DENIAL_LATE |
                                  1U << DENIAL_LOCKED;
    static const unsigned wrong =
        1U << DENIAL_WRONG | 1U << DENIAL_NO_HASH | 1U << DENIAL_AWAY;

    EXPECT(&p->channel, denied);
    cr_expect(!((heard.denied.right ? wrong : right) & 1U << why),
              "denial %u: right %d", (unsigned)why, heard.denied.right);
    cr_assert_eq(heard.denied.why, why, "denial %u",
                 (unsigned)heard.denied.why);
    p->channel.phase = PHASE_GREETED;
}

void stage_serves(void)
{
    static uint64_t serial = 1ULL << 40;
    struct player p;
    struct actor files;

    player_enter(&p, ++serial);
    player_logs_in(&p, &files);
    player_leave(&p);
    cast_skip_to_end(&files.channel);
    channel_close(&files.channel);
    close(files.session);
    close(files.log);
}

/* Reads master's events up to an event E with WORDS in the field F. */
static void read_up_to(enum event e, enum event_field f, const char *words,
                       struct event_record *r)
{
    for (;;) {
        char text[512] = "";

        cr_assert_eq(event_decode(EXPECT(&stage.events, event)->event, r), 0);
        cr_assert(r->text[f].len < sizeof(text));
        if (r->text[f].len > 0)
            memcpy(text, r->text[f].ptr, r->text[f].len);
        if (r->event == e && strstr(text, words))
            return;
    }
}

uint64_t stage_reports(enum event e, const char *words)
{
    struct event_record r;

    read_up_to(e, FIELD_REASON, words, &r);
    return r.number[e == EVENT_TROUBLE ? FIELD_NUMBER : FIELD_MS];
}

void stage_reports_admin(const char *verb, const char *to, uint64_t number)
{
    struct event_record r;

    read_up_to(EVENT_ADMIN, FIELD_VERB, verb, &r);
    cr_expect_eq(r.number[FIELD_UID], geteuid());
    cr_expect(slice_equal(r.text[FIELD_TO], slice_from(to)), "%.*s",
              (int)r.text[FIELD_TO].len, r.text[FIELD_TO].ptr);
    cr_expect_eq(r.number[FIELD_NUMBER], number);
}

void stage_with(void (*adjust)(struct master *m), struct player *p)
{
    stage_open(adjust);
    player_enter(p, 1);
}

void stage_asked(void (*adjust)(struct master *m), struct player *p)
{
    stage_with(adjust, p);
    player_asks(p);
}

void stage_logged_in(void (*adjust)(struct master *m), struct player *p,
                     struct actor *files)
{
    stage_with(adjust, p);
    player_logs_in(p, files);
}

void stage_leave(struct player *p)
{
    player_leave(p);
    stage_close();
}

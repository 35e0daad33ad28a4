/* The frame of an executed child, with a process that only counts. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "sallyport/base/fd.h"
#include "sallyport/process/frame.h"
#include "support/child.h"
#include "support/messages.h"

struct counter {
    struct frame frame;
    unsigned peers, begun, writable, released, orphaned;
    bool pauses; /* after each message */
    bool lacks;  /* something is missing after the set-up */
};

static struct counter counter;

static void counter_init(void *owner)
{
    struct counter *c = owner;

    *c = (struct counter){ .frame = c->frame,
                           .lacks = c->lacks,
                           .pauses = c->pauses };
}

static int counter_complete(void *owner)
{
    struct counter *c = owner;

    return c->lacks ? complain(&c->frame.why, "lacks") : 0;
}

static int counter_on_peers(void *owner, struct msg_peers *m)
{
    struct counter *c = owner;

    c->peers = (unsigned)m->most;
    return 0;
}

static int counter_on_client(void *owner, struct msg_keys_client *m)
{
    struct counter *c = owner;

    c->peers += (unsigned)m->serial;
    return 0;
}

/* `ready` has been sent. */
static void counter_on_begin(void *owner)
{
    struct counter *c = owner;

    c->begun++;
    cr_expect_eq(c->frame.master.phase, PHASE_RUN);
    if (c->pauses)
        loop_change(&c->frame.loop, &c->frame.master_watch, EPOLLOUT);
}

static void counter_on_writable(void *owner)
{
    struct counter *c = owner;

    c->writable++;
    cr_expect_eq(c->peers, 0, "master's message was not asked for");
    loop_change(&c->frame.loop, &c->frame.master_watch, EPOLLIN);
}

static void counter_on_orphaned(void *owner)
{
    struct counter *c = owner;

    c->orphaned++;
    loop_stop(&c->frame.loop);
}

static void counter_release(void *owner)
{
    struct counter *c = owner;

    c->released++;
}

static const struct handler before[] = {
    FRAME_SETUP_WITH_LOG,
    ON(peers, counter_on_peers),
};

static const struct handler after[] = {
    ON(keys_client, counter_on_client),
};

static const struct frame_row row = {
    .process = PROCESS_KEYS, /* master may send its messages */
    .filter = &filter_keys,
    FRAME_HANDLERS(before, after),
    .init = counter_init,
    .complete = counter_complete,
    .begin = counter_on_begin,
    .on_writable = counter_on_writable,
    .on_orphaned = counter_on_orphaned,
    .release = counter_release,
};

static void begin(struct channel *master)
{
    frame_init(&counter.frame, &row,
               channel_make(master, PROCESS_MASTER, PROCESS_KEYS, PHASE_START));
}

/* Numbers of master: one that is too large must not become root's. */
Test(frame, the_numbers_of_the_sandbox)
{
    enum { A_UID = 70001, A_GID = 70002 };
    static const struct {
        struct msg_sandbox message;
        int result;
    } rows[] = {
        { { 0, true, A_UID, A_GID, SANDBOX_SECCOMP, -1 }, 0 },
        { { 0, false, UINT32_MAX, UINT32_MAX, UINT32_MAX, -1 }, 0 },
        { { 0, true, 1ULL << 32, A_GID, 0, -1 }, -ERANGE },
        { { 0, true, A_UID, 1ULL << 32, 0, -1 }, -ERANGE },
        { { 0, true, A_UID, A_GID, 1ULL << 32, -1 }, -ERANGE },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct frame f = { .plan = { .uid = 7, .max_files = 11 } };
        struct msg_sandbox m = rows[i].message;
        bool taken = rows[i].result == 0;

        cr_expect_eq(frame_on_sandbox(&f, &m), rows[i].result, "row %zu", i);
        cr_expect_eq(f.plan.uid, taken ? m.uid : 7);
        cr_expect_eq(f.plan.gid, taken ? m.gid : 0);
        cr_expect_eq(f.plan.root, taken && m.root);
        cr_expect_eq(f.plan.allow_weaker, taken ? m.allow_weaker : 0);
        cr_expect_eq(f.has_sandbox, taken);
        cr_expect_eq(f.plan.max_files, 11);
    }
}

/* All in this process: master's messages wait in the channel, and its end stops
 * the loop. */
Test(frame, from_set_up_to_end)
{
    struct channel master, log;
    struct event_record r;
    struct message m;

    begin(&master);
    TELL(&master, sandbox, 0, .directory = 0);
    child_give_log(&master, &log);
    TELL(&master, peers, 0, .most = 7);
    TELL(&master, go, 0);
    cr_assert_eq(frame_set_up(&counter.frame), 0, "%s", counter.frame.why.text);
    cr_expect_eq(counter.peers, 7);
    cr_expect_geq(counter.frame.plan.root_fd, 0);
    fd_close(&counter.frame.plan.root_fd);
    event_begin(&r, EVENT_PEER);
    frame_report(&counter.frame, &r);
    cr_expect_eq(channel_receive(&log, &m), 1);
    cr_expect_eq(m.kind, MSG_event);
    TELL(&master, keys_client, 0, .process = PROCESS_SESSION, .serial = 3,
         .client = 0);
    cr_assert_eq(shutdown(master.fd, SHUT_WR), 0);
    cr_assert_eq(frame_work(&counter.frame), 0);
    cr_expect_eq(counter.begun, 1);
    cr_expect_eq(counter.peers, 10);
    cr_expect_eq(counter.orphaned, 1);
    cr_expect_eq(channel_receive(&master, &m), 1);
    cr_expect_eq(m.kind, MSG_ready);
    frame_release(&counter.frame);
    cr_expect_eq(counter.released, 1);
    cr_expect_eq(channel_receive(&log, &m), -EPIPE);
    channel_close(&master);
    channel_close(&log);
}

/* Master's messages wait while the watch has only EPOLLOUT. */
Test(frame, pauses)
{
    struct channel master;
    struct message m;

    counter.pauses = true;
    begin(&master);
    TELL(&master, sandbox, 0, .directory = 0);
    TELL(&master, go, 0);
    cr_assert_eq(frame_set_up(&counter.frame), 0, "%s", counter.frame.why.text);
    fd_close(&counter.frame.plan.root_fd);
    for (uint64_t i = 1; i <= 3; i++)
        TELL(&master, keys_client, 0, .process = PROCESS_SESSION, .serial = i,
             .client = 0);
    cr_assert_eq(shutdown(master.fd, SHUT_WR), 0);
    cr_assert_eq(frame_work(&counter.frame), 0);
    cr_expect_eq(counter.writable, 1);
    cr_expect_eq(counter.peers, 6);
    cr_expect_eq(counter.orphaned, 1);
    cr_expect_eq(channel_receive(&master, &m), 1);
    frame_release(&counter.frame);
    channel_close(&master);
}

/* Clients are lost, and the process goes on. */
Test(frame, no_descriptor_is_left)
{
    struct rlimit none = { 0 }, limit;
    struct channel master;

    begin(&master);
    TELL(&master, sandbox, 0, .directory = 0);
    TELL(&master, go, 0);
    cr_assert_eq(frame_set_up(&counter.frame), 0, "%s", counter.frame.why.text);
    fd_close(&counter.frame.plan.root_fd);
    for (uint64_t i = 1; i <= 3; i++)
        TELL(&master, keys_client, 0, .process = PROCESS_SESSION, .serial = i,
             .client = 0);
    cr_assert_eq(shutdown(master.fd, SHUT_WR), 0);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none.rlim_max = limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    cr_assert_eq(frame_work(&counter.frame), 0);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_expect_eq(counter.peers, 0);
    cr_expect_eq(counter.orphaned, 1);
    frame_release(&counter.frame);
    channel_close(&master);
}

/* It ends, and the next process gets everything. */
Test(frame, no_message_may_be_lost)
{
    const struct rlimit none = { 3, 3 }; /* the standard ones are open */
    struct frame_row strict = row;
    struct channel master;
    pid_t pid;

    strict.needs_each = true;
    pid = child_raise(&master, &counter.frame, &strict, NULL);
    TELL(&master, sandbox, 0, .directory = 0);
    TELL(&master, go, 0);
    child_hear_ready(&master);
    cr_assert_eq(prlimit(pid, RLIMIT_NOFILE, &none, NULL), 0);
    TELL(&master, keys_client, 0, .process = PROCESS_SESSION, .serial = 1,
         .client = 0);
    child_reap(pid, EX_OSERR);
    channel_close(&master);
}

static void fails_with(struct channel *master, const char *words)
{
    cr_assert_lt(frame_set_up(&counter.frame), 0);
    cr_expect_not_null(strstr(counter.frame.why.text, words), "%s",
                       counter.frame.why.text);
    fd_close(&counter.frame.plan.root_fd);
    frame_release(&counter.frame);
    channel_close(master);
}

Test(frame, no_sandbox)
{
    struct channel master;

    begin(&master);
    TELL(&master, go, 0);
    fails_with(&master, "no sandbox");
}

Test(frame, something_is_missing)
{
    struct channel master;

    counter.lacks = true;
    begin(&master);
    TELL(&master, sandbox, 0, .directory = 0);
    TELL(&master, go, 0);
    fails_with(&master, "lacks");
}

Test(frame, master_dies_in_the_set_up)
{
    struct channel master;

    begin(&master);
    TELL(&master, sandbox, 0, .directory = 0);
    channel_close(&master);
    fails_with(&master, "set-up");
}

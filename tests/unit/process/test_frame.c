/* The frame of an executed child, with a process that only counts. */
#include <sys/resource.h>

#include "sallyport/base/fd.h"
#include "sallyport/process/frame.h"
#include "support/cast.h"
#include "support/child.h"
#include "support/test.h"

struct counter {
    struct frame frame;
    unsigned peers, begun, writable, released, orphaned;
    int output;
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

/* It gets its descriptors. */
static int counter_set_up(void *owner)
{
    struct counter *c = owner;

    c->peers = (unsigned)c->frame.setup.sessions;
    c->output = setup_take(&c->frame.setup, SETUP_OUTPUT);
    return c->lacks ? complain(&c->frame.why, "lacks") : 0;
}

static int counter_on_client(void *owner, struct msg_speaker *m)
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

static const struct handler handlers[] = {
    ON(speaker, counter_on_client),
};

static const struct frame_row row = {
    .process = PROCESS_KEYS, /* master may send its messages */
    .filter = &filter_keys,
    FRAME_HANDLERS(handlers),
    .init = counter_init,
    .set_up = counter_set_up,
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

static int some_file(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* All in this process: master's messages wait in the channel, and its end stops
 * the loop. */
Test(frame, from_set_up_to_end)
{
    const int directory = some_file(), output = some_file(), rest = some_file();
    struct setup *setup = &counter.frame.setup;
    const struct sandbox_plan *plan = &counter.frame.plan;
    struct channel master, log;
    struct event_record r;
    struct message m;

    begin(&master);
    setup->root = true;
    setup->uid = 70001;
    setup->gid = 70002;
    setup->allow_weaker = SANDBOX_SECCOMP;
    setup->sessions = 7;
    setup->file[SETUP_EMPTY].fd = directory;
    setup->file[SETUP_OUTPUT].fd = output;
    setup->file[SETUP_KEY + 1].fd = rest;
    child_give_log(setup, PROCESS_KEYS, &log);
    cr_assert_eq(frame_set_up(&counter.frame), 0, "%s", counter.frame.why.text);
    cr_expect(plan->root);
    cr_expect_eq(plan->uid, 70001);
    cr_expect_eq(plan->gid, 70002);
    cr_expect_eq(plan->allow_weaker, SANDBOX_SECCOMP);
    cr_expect_eq(plan->root_fd, directory);
    cr_expect_eq(counter.peers, 7);
    cr_expect_eq(counter.output, output);
    cr_expect(is_open(output));
    cr_expect_not(is_open(rest), "nobody has taken it");
    close(output);
    fd_close(&counter.frame.plan.root_fd);
    event_begin(&r, EVENT_PEER);
    frame_report(&counter.frame, &r);
    cr_expect_eq(channel_receive(&log, &m), 1);
    cr_expect_eq(m.kind, MSG_event);
    SAY(&master, speaker, .process = PROCESS_SESSION, .serial = 3, .end = 0);
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

/* Sets up the process; master sends it three messages, and then its end. */
static void begin_with_three(struct channel *master)
{
    begin(master);
    cr_assert_eq(frame_set_up(&counter.frame), 0, "%s", counter.frame.why.text);
    for (uint64_t i = 1; i <= 3; i++)
        SAY(master, speaker, .process = PROCESS_SESSION, .serial = i, .end = 0);
    cr_assert_eq(shutdown(master->fd, SHUT_WR), 0);
}

/* Master's messages wait while the watch has only EPOLLOUT. */
Test(frame, pauses)
{
    struct channel master;
    struct message m;

    counter.pauses = true;
    begin_with_three(&master);
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

    begin_with_three(&master);
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
    static struct setup setup;
    struct frame_row strict = row;
    struct channel master;
    pid_t pid;

    strict.needs_each = true;
    setup_init(&setup);
    pid = child_raise(&master, &counter.frame, &strict, &setup, NULL);
    child_hear_ready(&master);
    cr_assert_eq(prlimit(pid, RLIMIT_NOFILE, &none, NULL), 0);
    SAY(&master, speaker, .process = PROCESS_SESSION, .serial = 1, .end = 0);
    child_reap(pid, EX_OSERR);
    channel_close(&master);
}

static void fails_with(struct channel *master, const char *words)
{
    cr_assert_lt(frame_set_up(&counter.frame), 0);
    cr_expect_not_null(strstr(counter.frame.why.text, words), "%s",
                       counter.frame.why.text);
    frame_release(&counter.frame);
    channel_close(master);
}

Test(frame, something_is_missing)
{
    struct channel master;

    counter.lacks = true;
    begin(&master);
    fails_with(&master, "lacks");
}

/* It would count where nobody looks. */
Test(frame, no_page_for_its_heartbeat)
{
    struct channel master;

    begin(&master);
    counter.frame.setup.file[SETUP_BEAT].fd = some_file();
    fails_with(&master, "keys: set-up: ");
}

/* The program as master executes it, with this as its set-up. */
static void main_with(int channel, int setup, const struct rlimit *files)
{
    char title[] = "sallyport: keys", *argv[] = { title, NULL };
    const int from[] = { fcntl(channel, F_DUPFD, 10),
                         fcntl(setup, F_DUPFD, 10) };

    if (dup2(from[0], SETUP_CHANNEL_FD) < 0 ||
        dup2(from[1], SETUP_STRUCT_FD) < 0)
        _exit(EX_OSERR);
    if (files)
        setrlimit(RLIMIT_NOFILE, files);
    _exit(frame_main(&row, &counter.frame, 1, argv));
}

/* It doesn't begin its set-up. */
Test(frame, master_of_another_build)
{
    static const char words[] = "keys is of build " SALLYPORT_VERSION;
    struct channel master;
    int far = channel_make(&master, PROCESS_MASTER, PROCESS_KEYS, PHASE_START);
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0)
        main_with(far, fd_sealed("setup", SLICE("0.0.1")), NULL);
    close(far);
    EXPECT(&master, failed);
    cr_expect(memmem(heard.failed.why.ptr, heard.failed.why.len, words,
                     strlen(words)),
              "%.*s", (int)heard.failed.why.len, heard.failed.why.ptr);
    child_reap(pid, EX_SOFTWARE);
    channel_close(&master);
}

/* A mistake in the configuration ends it with status 0, and a shortage, which
 * may end, with EX_TEMPFAIL. */
Test(frame, a_mistake_and_a_shortage)
{
    const struct rlimit none = { 0, 0 };
    static struct setup setup;

    setup_init(&setup);
    for (int is_short = 0; is_short < 2; is_short++) {
        struct channel master;
        int far =
            channel_make(&master, PROCESS_MASTER, PROCESS_KEYS, PHASE_START);
        int fd[SETUP_FDS];
        pid_t pid;

        cr_assert_eq(setup_write(&setup, fd), 1);
        counter.lacks = !is_short;
        pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0)
            main_with(far, fd[0], is_short ? &none : NULL);
        close(far);
        close(fd[0]);
        EXPECT(&master, failed);
        child_reap(pid, is_short ? EX_TEMPFAIL : 0);
        channel_close(&master);
    }
}
